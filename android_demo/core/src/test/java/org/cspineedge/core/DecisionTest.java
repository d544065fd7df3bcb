package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class DecisionTest {
    private static Decision decision(String positive, double threshold, double temperature) {
        return decision(positive, threshold, temperature, Optional.empty());
    }

    private static Decision decision(
            String positive, double threshold, double temperature, Optional<Abstention> abstention) {
        return new Decision(new Contract(
                new Preprocessing(224, 224, 3, Optional.empty(), 0, 1),
                new Outputs(0, OptionalInt.empty()),
                List.of("normal", "fracture"),
                positive,
                new Threshold(threshold, "chosen for this test", 0),
                temperature,
                abstention,
                List.of(),
                "",
                "Research use only. Not a medical device.",
                Optional.empty(),
                Optional.empty()));
    }

    @Test
    void aMarginAtTheThresholdIsPositive() {
        assertEquals(
                new Verdict("fracture", true, 0.5, 0.0, 0.0, Referral.UNKNOWN),
                decision("fracture", 0, 1).decide(1.5, 1.5));
        assertTrue(decision("fracture", 0.25, 1).decide(0, 0.25).positive());
        assertFalse(decision("fracture", Math.nextUp(0.25), 1).decide(0, 0.25).positive());
    }

    @Test
    void theMarginIsPositiveMinusOtherWhicheverComesFirst() {
        assertEquals(2.0, decision("fracture", 0, 1).decide(1, 3).margin());
        Verdict verdict = decision("normal", 0, 1).decide(1, 3);
        assertEquals(-2.0, verdict.margin());
        assertEquals("fracture", verdict.label());
        assertFalse(verdict.positive());
    }

    @Test
    void theTemperatureChangesTheScoreAndNotTheDecision() {
        Verdict sharp = decision("fracture", 1, 1).decide(0, 2);
        Verdict soft = decision("fracture", 1, 4).decide(0, 2);
        assertEquals(1 / (1 + Math.exp(-2)), sharp.score());
        assertEquals(1 / (1 + Math.exp(-0.5)), soft.score());
        assertEquals(sharp.label(), soft.label());
    }

    private static Referral referral(OptionalDouble fractureFrom, OptionalDouble normalUpTo, double margin) {
        Abstention abstention = new Abstention(0.95, fractureFrom, normalUpTo, 30, 40, "chosen for this test");
        return decision("fracture", 0, 1, Optional.of(abstention)).decide(0, margin).referral();
    }

    @Test
    void whatIsNotOneLabelGoesToARadiologist() {
        OptionalDouble below = OptionalDouble.of(-1);
        OptionalDouble above = OptionalDouble.of(1);
        assertEquals(Referral.NOT_NEEDED, referral(below, above, 1.5));
        assertEquals(Referral.BOTH, referral(below, above, 1));
        assertEquals(Referral.NEITHER, referral(above, below, 0));
        assertEquals(Referral.NOT_NEEDED, referral(above, below, -1));
        assertEquals(Referral.DISAGREEMENT, referral(OptionalDouble.of(-3), OptionalDouble.of(-2), -1));
        assertFalse(Referral.NOT_NEEDED.isNeeded());
        assertTrue(Referral.DISAGREEMENT.isNeeded());
    }

    @Test
    void aBoundThatIsMissingLeavesItsClassAlwaysPossible() {
        assertEquals(Referral.BOTH, referral(OptionalDouble.empty(), OptionalDouble.of(1), -1e9));
        assertEquals(Referral.BOTH, referral(OptionalDouble.of(-1), OptionalDouble.empty(), 1e9));
        assertEquals(Referral.NOT_NEEDED, referral(OptionalDouble.of(-1), OptionalDouble.empty(), -2));
    }

    @Test
    void coverageIsAShare() {
        for (double coverage : new double[] {0, 1, Double.NaN}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new Abstention(coverage, OptionalDouble.empty(), OptionalDouble.empty(), 1, 1, ""));
        }
    }

    @Test
    void farLogitsGiveScoresBetweenZeroAndOne() {
        assertEquals(1.0, decision("fracture", 0, 1).decide(-1e308, 1e308).score());
        double score = decision("fracture", 0, 1).decide(1e308, -1e308).score();
        assertTrue(score > 0 && score < 1e-300);
    }

    @Test
    void noVerdictIsBasedOnWhatIsNoNumber() {
        assertThrows(IllegalArgumentException.class, () -> decision("fracture", 0, 1).decide(Double.NaN, 0));
    }

    @Test
    void storedLogitsAreTakenAsTheTensorMeansThem() {
        Quantization logits = new Quantization(0.1f, 128);
        assertEquals((double) 0.1f * -3, logits.dequantize(125));
        assertEquals(7.0, new Quantization(0, 0).dequantize(7));
        assertEquals((double) 0.1f * 5, decision("fracture", 0, 1).decide(128, 133, logits).margin());
    }
}
