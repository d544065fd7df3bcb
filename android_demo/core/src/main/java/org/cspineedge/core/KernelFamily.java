package org.cspineedge.core;

/** Kernels that give the same bits among themselves; a contract keeps golden outputs for each. */
public enum KernelFamily {
    /** XNNPACK's: products rescaled in single precision, halves to even. */
    XNNPACK("xnnpack"),
    /** LiteRT's optimised own, which differ between processors. */
    BUILTIN("builtin"),
    /** LiteRT's reference kernels: products rescaled in fixed point. */
    REFERENCE("reference");

    private final String key;

    KernelFamily(String key) {
        this.key = key;
    }

    /** Its name in contracts and reports. */
    public String key() {
        return key;
    }
}
