package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private static final Verdict VERDICT =
            new Verdict("fracture", true, 0.875, -1.25, -2.0, Referral.DISAGREEMENT);

    private static SliceClassifier classifier() throws ModelException {
        ToldEngine.Factory factory = ToldEngine.factory(input -> new double[] {128, 130}, KernelFamily.REFERENCE);
        return new SliceClassifier(new SmallModel().file(), factory, KernelFamily.REFERENCE, 2);
    }

    private static History with(String... sources) throws ModelException {
        History history = new History();
        SliceClassifier classifier = classifier();
        for (String source : sources) {
            history.add(1_764_000_000_999L, source, new Reading(VERDICT, 1, 2.5), classifier);
        }
        return history;
    }

    @Test
    void aReadingIsTakenDownWithAllThatMadeIt() throws ModelException {
        History history = with("slice 1.png");
        String sha256 = classifier().contract().graphSha256();
        assertEquals(
                "time,source,label,score,margin,threshold,refer,referral,model,graph_sha256,engine,family,threads,"
                        + "inference_ms\r\n2025-11-24T16:00:00+00:00,slice 1.png,fracture,0.875,-1.25,-2.0,true,"
                        + "the threshold calls it otherwise than abstention would,small.tflite," + sha256
                        + ",told 1.0,reference,2,2.5\r\n",
                history.toCsv());
        assertEquals(VERDICT, history.entries().get(0).verdict());
    }

    @Test
    void jsonHasTheSame() throws ModelException, JsonException {
        Map<?, ?> document = (Map<?, ?>) Json.parse(with("a", "b").toJson().getBytes(StandardCharsets.UTF_8));
        assertEquals("cspine-edge/history", document.get("schema"));
        assertEquals(1L, document.get("version"));
        assertEquals("Research use only. Not a medical device.", document.get("intended_use"));
        Map<?, ?> second = (Map<?, ?>) ((List<?>) document.get("readings")).get(1);
        assertEquals("b", second.get("source"));
        assertEquals(-1.25, second.get("margin"));
        assertEquals(2L, second.get("threads"));
        assertEquals(true, second.get("refer"));
    }

    @Test
    void namesOfFilesAreNoFormulasAndNoColumns() throws ModelException {
        String csv = with("=1+1", "+a", "-b", "@c", "\tx", "a,b", "say \"x\"", "two\nlines", "-1.5").toCsv();
        for (String cell : List.of(
                ",'=1+1,", ",'+a,", ",'-b,", ",'@c,", ",'\tx,", ",\"a,b\",", ",\"say \"\"x\"\"\",", ",\"two\nlines\",",
                ",'-1.5,")) {
            assertTrue(csv.contains(cell), cell);
        }
        assertTrue(csv.contains(",-1.25,"), "numbers are left alone");
    }

    @Test
    void theOldestGoesFirstWhenItIsFull() throws ModelException {
        History history = new History();
        SliceClassifier classifier = classifier();
        for (int i = 0; i < History.CAPACITY + 3; i++) {
            history.add(i, "slice " + i, new Reading(VERDICT, 1, 1), classifier);
        }
        List<History.Entry> entries = history.entries();
        assertEquals(History.CAPACITY, entries.size());
        assertEquals("slice 3", entries.get(0).source());
        history.clear();
        assertEquals(0, history.entries().size());
        assertEquals(History.CAPACITY, entries.size(), "a copy");
        assertTrue(history.toCsv().startsWith("time,"));
        assertThrows(NullPointerException.class, () -> history.add(0, null, new Reading(VERDICT, 1, 1), classifier));
    }

    @Test
    void marginsBeyondAllNumbersAreWrittenAsFarNumbers() throws ModelException, JsonException {
        History history = new History();
        Verdict far = new Verdict("normal", false, 0, Double.NEGATIVE_INFINITY, 0, Referral.UNKNOWN);
        history.add(0, "camera", new Reading(far, 1, 1), classifier());
        assertTrue(history.toCsv().contains(",-1.0E308,"));
        assertTrue(history.toJson().contains("\"margin\": -1.0E308"));
    }
}
