package org.cspineedge.app;

import java.util.List;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.builtin.BuiltinEngineFactory;

/** What runs models in this flavor: the engine of the core alone. */
final class Engines {
    private Engines() {}

    /** The engines; the first is the one to use. */
    static List<EngineFactory> factories() {
        return List.of(new BuiltinEngineFactory());
    }
}
