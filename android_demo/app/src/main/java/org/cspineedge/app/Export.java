package org.cspineedge.app;

/** What can be written to a file. */
enum Export {
    HISTORY_CSV("text/csv", "cspine-edge-history.csv"),
    HISTORY_JSON("application/json", "cspine-edge-history.json"),
    BENCH_JSON("application/json", "cspine-edge-bench.json"),
    SELF_TEST_JSON("application/json", "cspine-edge-self-test.json");

    private final String type;
    private final String suggestedName;

    Export(String type, String suggestedName) {
        this.type = type;
        this.suggestedName = suggestedName;
    }

    /** Its media type. */
    String type() {
        return type;
    }

    /** The name that is put to the user. */
    String suggestedName() {
        return suggestedName;
    }

    /** What is written; null if it is not there any more. */
    String content(Session session, Checks checks) {
        return switch (this) {
            case HISTORY_CSV -> session.history().toCsv();
            case HISTORY_JSON -> session.history().toJson();
            case BENCH_JSON -> checks.bench() == null ? null : checks.bench().toJson();
            case SELF_TEST_JSON -> checks.selfTest() == null ? null : checks.selfTest().toJson();
        };
    }
}
