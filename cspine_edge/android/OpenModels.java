import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;
import org.cspineedge.core.builtin.BuiltinEngineFactory;

/**
 * Opens model files as the app will, with the app's own classes on this machine's JVM. It prints a line for each file:
 * empty, or why the app cannot run it.
 */
final class OpenModels {
    private OpenModels() {}

    public static void main(String[] files) throws IOException {
        EngineFactory factory = new BuiltinEngineFactory();
        for (String file : files) {
            try (InputStream stream = new BufferedInputStream(Files.newInputStream(Path.of(file)))) {
                ModelFile model = ModelFile.read(file, stream);
                for (KernelFamily family : factory.families()) {
                    factory.open(model, family, 1).close();
                }
                System.out.println();
            } catch (ModelException error) {
                System.out.println(error.reason());
            }
        }
    }
}
