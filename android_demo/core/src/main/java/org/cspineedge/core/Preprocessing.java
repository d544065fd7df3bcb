package org.cspineedge.core;

import java.util.Optional;

/**
 * All that is needed to make a model's input bytes from a grey image.
 *
 * @param height height of the input tensor in pixels
 * @param width width of the input tensor in pixels
 * @param channels number of channels; each holds the same grey level
 * @param window the window in HU the model was trained with, if any
 * @param low real value for which byte 0 stands in the network
 * @param high real value for which byte 255 stands in the network
 */
public record Preprocessing(int height, int width, int channels, Optional<Window> window, double low, double high) {
    /** Longest side in pixels, and most channels, that are taken from a contract. */
    public static final int MAX_SIDE = 4096;

    /** @throws IllegalArgumentException if a number is out of its range */
    public Preprocessing {
        if (Math.min(Math.min(height, width), channels) < 1) {
            throw new IllegalArgumentException("height, width and channels should be above 0");
        }
        if (Math.max(Math.max(height, width), channels) > MAX_SIDE) {
            throw new IllegalArgumentException("height, width and channels should be at most " + MAX_SIDE);
        }
        if (!(low < high) || Double.isInfinite(high - low)) {
            throw new IllegalArgumentException("value range should be two finite numbers, the lower first");
        }
    }
}
