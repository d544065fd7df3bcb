package org.cspineedge.core;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What a self-test found: all kernels that there are; the first are those to use.
 *
 * @param model name of the model file
 * @param results one of each family of each factory, in their order
 */
public record SelfTestReport(String model, List<Result> results) {
    /**
     * One golden pair on this machine.
     *
     * @param image name of the input in the archive
     * @param equal true if the outputs are those expected, as far as the agreement demands
     * @param largestDifference of any output value, in stored units (steps for integers)
     * @param margin difference of the logits, positive minus other
     * @param positive true if the contract's threshold calls it positive
     */
    public record Pair(String image, boolean equal, double largestDifference, double margin, boolean positive) {}

    /**
     * One family of kernels of one factory.
     *
     * @param runtime the factory's name
     * @param version its version; empty if it could not run the model
     * @param family the kernels
     * @param threads that it computed with
     * @param agreement what was demanded
     * @param pairs one of each golden pair; empty if it could not run the model
     * @param error why it could not; empty if it could
     * @param flips golden inputs that it decides otherwise than the first kernels that could
     * @param largestMarginDifference from those, in logits
     */
    public record Result(
            String runtime,
            String version,
            KernelFamily family,
            int threads,
            Agreement agreement,
            List<Pair> pairs,
            Optional<String> error,
            OptionalInt flips,
            OptionalDouble largestMarginDifference) {

        /** Copies the list. */
        public Result {
            pairs = List.copyOf(pairs);
        }

        /** True if it ran and every pair is equal. */
        public boolean passed() {
            return error.isEmpty() && unequal() == 0;
        }

        private int unequal() {
            int count = 0;
            for (Pair pair : pairs) {
                count += pair.equal() ? 0 : 1;
            }
            return count;
        }

        /** One line for people. */
        public String line() {
            if (error.isPresent()) {
                return "NOT RUN " + runtime + ", " + family.key() + " kernels: " + error.get();
            }
            String found = (unequal() == 0 ? "equal " : "DIFFERS ") + runtime + " " + version + ", " + family.key()
                    + " kernels: " + pairs.size() + " golden pairs " + agreement.words()
                    + (unequal() == 0 ? "" : ", " + unequal() + " of them not");
            return found + "; against the kernels in use " + flips.orElse(0) + " flips, margins "
                    + shown(largestMarginDifference.orElse(0)) + " apart at most";
        }

        private static String shown(double value) {
            return new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros().toPlainString();
        }
    }

    /** Copies the list. */
    public SelfTestReport {
        results = List.copyOf(results);
    }

    /** True if each runs, gives what its family gave on the workstation, and decides like the others. */
    public boolean passed() {
        for (Result result : results) {
            if (!result.passed() || result.flips().orElse(0) > 0) {
                return false;
            }
        }
        return !results.isEmpty();
    }

    /** A line for each result, and the verdict. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        int ran = 0;
        for (Result result : results) {
            lines.add(result.line());
            ran += result.error().isEmpty() ? 1 : 0;
        }
        String not = ran < results.size() ? ", " + (results.size() - ran) + " not run" : "";
        lines.add((passed() ? "passed: " : "FAILED: ") + ran + " kinds of kernels" + not);
        return lines;
    }

    /** The document that {@code cspine-edge verify --all-families --json} gives of the same. */
    public String toJson() {
        List<Object> rows = new ArrayList<>();
        for (Result result : results) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("runtime", result.runtime());
            row.put("version", result.version());
            row.put("family", result.family().key());
            row.put("verification", result.error().isPresent() ? null : verification(result));
            row.put("error", result.error().orElse(null));
            row.put("flips", result.flips());
            row.put("largest_margin_difference", result.largestMarginDifference());
            rows.add(row);
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("model", model);
        document.put("results", rows);
        document.put("passed", passed());
        return JsonText.of(document);
    }

    private Map<String, Object> verification(Result result) {
        List<Object> pairs = new ArrayList<>();
        for (Pair pair : result.pairs()) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("image", pair.image());
            row.put("equal", pair.equal());
            row.put("largest_difference", pair.largestDifference());
            row.put("margin", pair.margin());
            pairs.add(row);
        }
        Map<String, Object> verification = new LinkedHashMap<>();
        verification.put("model", model);
        verification.put("banner", result.runtime() + " " + result.version() + ", " + result.family().key()
                + " kernels, " + result.threads() + (result.threads() == 1 ? " thread" : " threads"));
        verification.put("agreement", result.agreement().words());
        verification.put("pairs", pairs);
        return verification;
    }
}
