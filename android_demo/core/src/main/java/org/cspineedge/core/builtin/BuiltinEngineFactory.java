package org.cspineedge.core.builtin;

import java.util.List;
import org.cspineedge.core.Engine;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;

/** Opens models with the interpreter of this package. */
public final class BuiltinEngineFactory implements EngineFactory {
    /** Name of the interpreter in reports. */
    public static final String RUNTIME = "builtin";

    /** Creates the factory. */
    public BuiltinEngineFactory() {}

    @Override
    public String runtime() {
        return RUNTIME;
    }

    @Override
    public List<KernelFamily> families() {
        return List.of(KernelFamily.XNNPACK, KernelFamily.REFERENCE);
    }

    @Override
    public Engine open(ModelFile model, KernelFamily family, int threads) throws ModelException {
        return open(model, family, threads, false);
    }

    /** @param keepTensors true for an engine that keeps each tensor until the next run, to be compared one by one */
    static BuiltinEngine open(ModelFile model, KernelFamily family, int threads, boolean keepTensors)
            throws ModelException {
        if (family == KernelFamily.BUILTIN || threads < 1) {
            throw new IllegalArgumentException("no " + family.key() + " kernels here on " + threads + " threads");
        }
        try {
            Memory memory = new Memory();
            Graph graph = Graph.read(model.graph(), memory);
            return new BuiltinEngine(new Plan(graph, family, memory, threads, keepTensors), family);
        } catch (GraphException error) {
            throw new ModelException(model.name(), error.getMessage());
        } catch (OutOfMemoryError error) {
            throw new ModelException(model.name(), "needs more memory than this app has; use the litert engine");
        }
    }
}
