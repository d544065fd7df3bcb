package android.content;

/** No app takes that intent. */
public class ActivityNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message which intent */
    public ActivityNotFoundException(String message) {
        super(message);
    }
}
