package org.cspineedge.core.builtin;

/**
 * How a window moves over an image of (height, width, channels).
 *
 * @param height of the input
 * @param width of the input
 * @param channels of the input
 * @param outHeight of the output
 * @param outWidth of the output
 * @param kernelHeight of the window
 * @param kernelWidth of the window
 * @param strideY rows it moves
 * @param strideX columns it moves
 * @param dilationY rows from one of its own to the next
 * @param dilationX columns likewise
 * @param top rows of padding above the input
 * @param left columns of padding before it
 */
record Geometry(
        int height,
        int width,
        int channels,
        int outHeight,
        int outWidth,
        int kernelHeight,
        int kernelWidth,
        int strideY,
        int strideX,
        int dilationY,
        int dilationX,
        int top,
        int left) {

    private static final int SAME = 0;

    /** Of tensors (1, height, width, channels); {@code padding} as in the schema, 0 same and 1 valid. */
    static Geometry of(
            Tensor input,
            Tensor output,
            int kernelHeight,
            int kernelWidth,
            int padding,
            int strideY,
            int strideX,
            int dilationY,
            int dilationX)
            throws GraphException {
        if (input.shape.length != 4 || output.shape.length != 4 || input.shape[0] != 1 || output.shape[0] != 1) {
            throw GraphException.lacking("batches or images of other than four dimensions");
        }
        boolean same = padding == SAME;
        int top = before(input.shape[1], output.shape[1], kernelHeight, same, strideY, dilationY);
        int left = before(input.shape[2], output.shape[2], kernelWidth, same, strideX, dilationX);
        return new Geometry(
                input.shape[1],
                input.shape[2],
                input.shape[3],
                output.shape[1],
                output.shape[2],
                kernelHeight,
                kernelWidth,
                strideY,
                strideX,
                dilationY,
                dilationX,
                top,
                left);
    }

    /** Padding before the input along one side, after verifying that the output's length follows from the input's. */
    private static int before(int in, int out, int kernel, boolean same, int stride, int dilation)
            throws GraphException {
        if (kernel < 1 || stride < 1 || dilation < 1 || (long) (kernel - 1) * dilation >= Memory.LIMIT) {
            throw GraphException.broken("a window has no size or does not move");
        }
        int reach = (kernel - 1) * dilation + 1;
        long moved = same ? in - 1L : (long) in - reach;
        if (moved < 0 || out != moved / stride + 1) {
            throw GraphException.broken("a window gives another shape than is stated");
        }
        return same ? (int) (Math.max(0, (out - 1L) * stride + reach - in) / 2) : 0;
    }

    int outPixels() {
        return outHeight * outWidth;
    }
}
