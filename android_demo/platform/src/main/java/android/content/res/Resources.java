package android.content.res;

import android.util.DisplayMetrics;
import java.util.Locale;
import org.cspineedge.platform.ResourceFolder;
import org.cspineedge.platform.Configuration;

/** The app's resources, read from its folder {@code res} each time they are asked for. Texts are English. */
public class Resources {
    private final ResourceFolder folder;
    private final Configuration configuration;
    private final DisplayMetrics metrics = new DisplayMetrics();

    /** Not Android's. */
    public Resources(ResourceFolder folder, Configuration configuration) {
        this.folder = folder;
        this.configuration = configuration;
        metrics.density = configuration.density();
        metrics.scaledDensity = configuration.density() * configuration.fontScale();
        metrics.widthPixels = configuration.width();
        metrics.heightPixels = configuration.height();
    }

    /** A text. */
    public String getString(int id) throws NotFoundException {
        return folder.string(id);
    }

    /** A text with values put in. */
    public String getString(int id, Object... arguments) throws NotFoundException {
        return String.format(Locale.ENGLISH, folder.string(id), arguments);
    }

    /** A text for a number, with values put in. */
    public String getQuantityString(int id, int quantity, Object... arguments) throws NotFoundException {
        return String.format(Locale.ENGLISH, folder.plural(id, quantity == 1 ? "one" : "other"), arguments);
    }

    /** Number of a resource, or 0. */
    public int getIdentifier(String name, String type, String packageName) {
        return folder.find(type, name);
    }

    /** Name of a resource. */
    public String getResourceEntryName(int id) throws NotFoundException {
        return folder.name(id);
    }

    /** The screen. */
    public DisplayMetrics getDisplayMetrics() {
        return metrics;
    }

    /** Not Android's: a colour by its number. */
    public int jvmColor(int id) {
        return folder.color("@color/" + folder.name(id), configuration.night());
    }

    /** Not Android's. */
    public ResourceFolder jvmFolder() {
        return folder;
    }

    /** Not Android's. */
    public Configuration jvmConfiguration() {
        return configuration;
    }

    /** There is no such resource. */
    public static class NotFoundException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        /** @param message which one */
        public NotFoundException(String message) {
            super(message);
        }
    }
}
