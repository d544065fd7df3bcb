package android;

/** As Android's, as far as the app uses it. */
public final class Manifest {
    private Manifest() {}

    /** Names of permissions. */
    public static final class permission {
        /** The camera. */
        public static final String CAMERA = "android.permission.CAMERA";

        private permission() {}
    }
}
