package org.cspineedge.core;

/**
 * The CT window a model was trained with. Pictures on a phone are windowed already, so it is shown and not applied.
 *
 * @param center centre in HU
 * @param width width in HU: at least 1 for {@code LINEAR}, above 0 for {@code LINEAR_EXACT}
 * @param function the mapping between the edges
 */
public record Window(double center, double width, Function function) {

    /** How a window maps HU to display values (VOI LUT Function, DICOM PS3.3 C.11.2.1.3). */
    public enum Function {
        /** DICOM's default, for centres and widths counted in whole grey levels. */
        LINEAR,
        /** The exact form. */
        LINEAR_EXACT
    }

    /** @throws IllegalArgumentException if the centre is not finite or the width is not one the function allows */
    public Window {
        if (!Double.isFinite(center) || !Double.isFinite(width)) {
            throw new IllegalArgumentException("a window needs finite numbers");
        }
        if (width <= 0 || function == Function.LINEAR && width < 1) {
            throw new IllegalArgumentException("a window is wider than 0 HU, and a LINEAR one at least 1 HU wide");
        }
    }
}
