package org.cspineedge.app;

import java.util.List;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.builtin.BuiltinEngineFactory;

/** What runs models in this flavor: LiteRT, and the engine of the core to compare it with. */
final class Engines {
    private Engines() {}

    /** The engines; the first is the one to use. */
    static List<EngineFactory> factories() {
        return List.of(new LiteRtEngineFactory(), new BuiltinEngineFactory());
    }
}
