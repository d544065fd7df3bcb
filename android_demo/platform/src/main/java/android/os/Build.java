package android.os;

/** The phone. The JVM's property {@code android.sdk} says which API level it is to have; 35 otherwise. */
public class Build {
    /** Maker. */
    public static final String MANUFACTURER = System.getProperty("android.manufacturer", "JVM");
    /** Model. */
    public static final String MODEL = System.getProperty("android.model", "stand-in");
    /** Chip. */
    public static final String SOC_MODEL = System.getProperty("android.soc", "unknown");
    /** Processor architectures, the best first. */
    public static final String[] SUPPORTED_ABIS = {System.getProperty("android.abi", "x86_64")};

    /** The system's version. */
    public static class VERSION {
        /** API level; no constant, so that it is not compiled into the app. */
        public static final int SDK_INT = Integer.getInteger("android.sdk", 35);
        /** What users call it. */
        public static final String RELEASE = "of API " + SDK_INT;
    }

    /** Not Android's: refuses what this phone's API level does not have. */
    public static void jvmSince(int level) {
        if (VERSION.SDK_INT < level) {
            throw new NoSuchMethodError("API " + level + " is needed, this is " + VERSION.SDK_INT);
        }
    }

    /** API levels by name. */
    public static class VERSION_CODES {
        /** Android 8. */
        public static final int O = 26;
        /** Android 11. */
        public static final int R = 30;
        /** Android 12. */
        public static final int S = 31;
    }
}
