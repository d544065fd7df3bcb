package android.provider;

import android.content.ContentResolver;
import android.net.Uri;
import java.io.FileNotFoundException;

/** What can be done with files that users chose. */
public final class DocumentsContract {
    private DocumentsContract() {}

    /** Removes a file. */
    public static boolean deleteDocument(ContentResolver resolver, Uri uri) throws FileNotFoundException {
        return resolver.jvmDelete(uri);
    }
}
