package org.cspineedge.core.builtin;

/** From a layer's sums to stored values: times a factor per channel, rounded, shifted by the zero point, clamped. */
interface Rescale {
    /**
     * Stores sums of consecutive channels.
     *
     * @param sums the sums
     * @param from position of the first
     * @param count how many
     * @param channel of the first
     * @param out where they go
     * @param at position there
     */
    void store(int[] sums, int from, int count, int channel, byte[] out, int at);

    /**
     * Stores sums of consecutive pixels of one channel.
     *
     * @param sums the sums
     * @param count how many
     * @param channel the channel
     * @param out where they go
     * @param at position of the first there
     * @param step from each to the next there
     */
    void store(int[] sums, int count, int channel, byte[] out, int at, int step);

    /** As XNNPACK ({@code fp32} requantisation): in single precision, halves to even. */
    final class Single implements Rescale {
        /** Added to a float below 2^22 it leaves its nearest integer, halves to even, in the last bits. */
        private static final float MAGIC = 12582912f;

        private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);

        private final float[] factors;
        private final int zeroPoint;
        private final int least;
        private final int most;

        /**
         * @param factors a channel's each
         * @param zeroPoint of the output
         * @param low smallest value to be stored
         * @param high largest
         */
        Single(float[] factors, int zeroPoint, int low, int high) {
            this.factors = factors;
            this.zeroPoint = zeroPoint;
            this.least = MAGIC_BITS + low - zeroPoint;
            this.most = MAGIC_BITS + high - zeroPoint;
        }

        @Override
        public void store(int[] sums, int from, int count, int channel, byte[] out, int at) {
            int shift = MAGIC_BITS - zeroPoint;
            for (int i = 0; i < count; i++) {
                int bits = Float.floatToRawIntBits(sums[from + i] * factors[channel + i] + MAGIC);
                out[at + i] = (byte) (Math.min(Math.max(bits, least), most) - shift);
            }
        }

        @Override
        public void store(int[] sums, int count, int channel, byte[] out, int at, int step) {
            int shift = MAGIC_BITS - zeroPoint;
            float factor = factors[channel];
            for (int i = 0; i < count; i++) {
                int bits = Float.floatToRawIntBits(sums[i] * factor + MAGIC);
                out[at + i * step] = (byte) (Math.min(Math.max(bits, least), most) - shift);
            }
        }
    }

    /** As LiteRT's reference kernels: in fixed point, rounded twice. */
    final class Fixed implements Rescale {
        private final FixedPoint[] factors;
        private final int zeroPoint;
        private final int low;
        private final int high;

        /**
         * @param factors a channel's each
         * @param zeroPoint of the output
         * @param low smallest value to be stored
         * @param high largest
         */
        Fixed(FixedPoint[] factors, int zeroPoint, int low, int high) {
            this.factors = factors;
            this.zeroPoint = zeroPoint;
            this.low = low;
            this.high = high;
        }

        @Override
        public void store(int[] sums, int from, int count, int channel, byte[] out, int at) {
            for (int i = 0; i < count; i++) {
                int value = factors[channel + i].times(sums[from + i]) + zeroPoint;
                out[at + i] = (byte) Math.min(Math.max(value, low), high);
            }
        }

        @Override
        public void store(int[] sums, int count, int channel, byte[] out, int at, int step) {
            FixedPoint factor = factors[channel];
            for (int i = 0; i < count; i++) {
                int value = factor.times(sums[i]) + zeroPoint;
                out[at + i * step] = (byte) Math.min(Math.max(value, low), high);
            }
        }
    }

    /** As LiteRT's reference kernel of FULLY_CONNECTED since 2.3: in double precision, halves away from zero. */
    final class Double implements Rescale {
        private final double[] factors;
        private final int zeroPoint;
        private final int low;
        private final int high;

        /**
         * @param factors a channel's each
         * @param zeroPoint of the output
         * @param low smallest value to be stored
         * @param high largest
         */
        Double(double[] factors, int zeroPoint, int low, int high) {
            this.factors = factors;
            this.zeroPoint = zeroPoint;
            this.low = low;
            this.high = high;
        }

        @Override
        public void store(int[] sums, int from, int count, int channel, byte[] out, int at) {
            for (int i = 0; i < count; i++) {
                out[at + i] = stored(sums[from + i], channel + i);
            }
        }

        @Override
        public void store(int[] sums, int count, int channel, byte[] out, int at, int step) {
            for (int i = 0; i < count; i++) {
                out[at + i * step] = stored(sums[i], channel);
            }
        }

        private byte stored(int sum, int channel) {
            double value = sum * factors[channel];
            long rounded = (long) Math.copySign(Math.floor(Math.abs(value) + 0.5), value) + zeroPoint;
            return (byte) Math.min(Math.max(rounded, low), high);
        }
    }
}
