package org.cspineedge.platform;

/**
 * How the phone is held and set.
 *
 * @param width of the screen in pixels
 * @param height of the screen in pixels
 * @param density pixels of a dp
 * @param fontScale how large the user wants text
 * @param night whether it is dark
 * @param rotation as {@code Surface.ROTATION_0} to {@code _270}
 */
public record Configuration(int width, int height, float density, float fontScale, boolean night, int rotation) {}
