package android.content;

import android.database.Cursor;
import android.net.Uri;
import java.io.FileNotFoundException;
import java.io.InputStream;
import java.io.OutputStream;

/** Files of other apps, which the driver gives. */
public abstract class ContentResolver {
    /** Facts of a file; here its display name alone. */
    public final Cursor query(
            Uri uri, String[] columns, String selection, String[] arguments, String order) {
        return jvmQuery(uri, columns);
    }

    /** Opens a file. */
    public final InputStream openInputStream(Uri uri) throws FileNotFoundException {
        return jvmRead(uri);
    }

    /** Opens a file to be written. */
    public final OutputStream openOutputStream(Uri uri, String mode) throws FileNotFoundException {
        return jvmWrite(uri);
    }

    /** Not Android's: what the driver does for {@link #query}. */
    protected abstract Cursor jvmQuery(Uri uri, String[] columns);

    /** Not Android's: what the driver does for {@link #openInputStream}. */
    protected abstract InputStream jvmRead(Uri uri) throws FileNotFoundException;

    /** Not Android's: what the driver does for {@link #openOutputStream}. */
    protected abstract OutputStream jvmWrite(Uri uri) throws FileNotFoundException;

    /** Not Android's: removes a file. */
    public abstract boolean jvmDelete(Uri uri) throws FileNotFoundException;
}
