package android.view;

import android.graphics.Insets;
import android.os.Build;

/** What of the screen is covered by the system. */
public final class WindowInsets {
    private final Insets bars;

    /** Not Android's: bars alone. */
    public WindowInsets(Insets bars) {
        this.bars = bars;
    }

    /** Distances to keep. */
    public Insets getInsets(int types) {
        Build.jvmSince(Build.VERSION_CODES.R);
        return (types & Type.systemBars()) == 0 ? Insets.of(0, 0, 0, 0) : bars;
    }

    /** What covers. */
    public static final class Type {
        private Type() {}

        /** Status and navigation. */
        public static int systemBars() {
            return 7;
        }

        /** The camera's hole. */
        public static int displayCutout() {
            return 128;
        }

        /** The keyboard. */
        public static int ime() {
            return 8;
        }
    }
}
