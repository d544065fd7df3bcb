package android.content.res;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Files within the app; here of a folder. */
public final class AssetManager {
    private final File folder;

    /** Not Android's. */
    public AssetManager(File folder) {
        this.folder = folder;
    }

    /** Opens a file. */
    public InputStream open(String name) throws IOException {
        return new FileInputStream(new File(folder, name));
    }
}
