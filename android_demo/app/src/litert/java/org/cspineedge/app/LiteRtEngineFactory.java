package org.cspineedge.app;

import java.util.List;
import org.cspineedge.core.Engine;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;

/** Google's interpreter, with the kernels of XNNPACK or its own. */
final class LiteRtEngineFactory implements EngineFactory {
    static final String RUNTIME = "ai-edge-litert";

    @Override
    public String runtime() {
        return RUNTIME;
    }

    /** Its reference kernels cannot be chosen from Java. */
    @Override
    public List<KernelFamily> families() {
        return List.of(KernelFamily.XNNPACK, KernelFamily.BUILTIN);
    }

    @Override
    public Engine open(ModelFile model, KernelFamily family, int threads) throws ModelException {
        try {
            return new LiteRtEngine(model, family, threads);
        } catch (IllegalArgumentException | UnsatisfiedLinkError error) {
            throw new ModelException(model.name(), "LiteRT cannot run it (" + error.getMessage()
                    + "); choose another engine or convert it again");
        }
    }
}
