package android.view;

/** The screen. */
public final class Display {
    private final int rotation;

    Display(int rotation) {
        this.rotation = rotation;
    }

    /** Quarter turns of the phone, counter-clockwise. */
    public int getRotation() {
        return rotation;
    }
}
