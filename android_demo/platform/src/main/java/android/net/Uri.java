package android.net;

import android.os.Parcelable;

/** An address. */
public abstract class Uri implements Parcelable {
    /** Takes an address from its text. */
    public static Uri parse(String text) {
        return new Text(text);
    }

    /** What stands after the last slash, or null. */
    public abstract String getLastPathSegment();

    private static final class Text extends Uri {
        private final String text;

        Text(String text) {
            this.text = text;
        }

        @Override
        public String getLastPathSegment() {
            String last = text.substring(text.lastIndexOf('/') + 1);
            return last.isEmpty() ? null : last;
        }

        @Override
        public String toString() {
            return text;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Text same && text.equals(same.text);
        }

        @Override
        public int hashCode() {
            return text.hashCode();
        }
    }
}
