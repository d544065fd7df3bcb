package org.cspineedge.app;

import android.content.ContentResolver;
import android.database.Cursor;
import android.net.Uri;
import android.provider.DocumentsContract;
import android.provider.OpenableColumns;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Files that the user chose, wherever they lie. Other apps give them, so anything may be thrown while reading. */
final class Documents {
    private final ContentResolver resolver;

    Documents(ContentResolver resolver) {
        this.resolver = resolver;
    }

    /** The file's name as its owner shows it. */
    String name(Uri uri) {
        String[] columns = {OpenableColumns.DISPLAY_NAME};
        try (Cursor cursor = resolver.query(uri, columns, null, null, null)) {
            if (cursor != null && cursor.moveToFirst() && !cursor.isNull(0)) {
                return cursor.getString(0);
            }
        } catch (RuntimeException ownerFailed) {
            // the address has a name too
        }
        String last = uri.getLastPathSegment();
        return last == null ? uri.toString() : last;
    }

    /** Opens a file, to be closed by the caller. */
    InputStream open(Uri uri) throws IOException {
        try {
            InputStream stream = resolver.openInputStream(uri);
            if (stream == null) {
                throw new FileNotFoundException("its app gives nothing");
            }
            return stream;
        } catch (RuntimeException ownerFailed) { // SecurityException if the right to read it is over
            throw new IOException(reason(ownerFailed), ownerFailed);
        }
    }

    /**
     * Reads a file that is not long.
     *
     * @param longest most bytes to read
     * @throws TroubleException if it is longer or cannot be read
     */
    byte[] read(Uri uri, int longest) throws TroubleException {
        ByteArrayOutputStream content = new ByteArrayOutputStream(1 << 18);
        byte[] block = new byte[1 << 16];
        try (InputStream stream = open(uri)) {
            for (int length = stream.read(block); length >= 0; length = stream.read(block)) {
                if (content.size() + length > longest) {
                    throw new TroubleException(R.string.file_too_long, name(uri), longest >> 20);
                }
                content.write(block, 0, length);
            }
        } catch (IOException | RuntimeException error) {
            throw new TroubleException(R.string.file_unreadable, name(uri), reason(error));
        }
        return content.toByteArray();
    }

    /**
     * Writes a file that was just created, and removes it if that fails: none is left half.
     *
     * @throws TroubleException if it cannot be written
     */
    void write(Uri uri, byte[] content) throws TroubleException {
        String name = name(uri);
        try (OutputStream stream = resolver.openOutputStream(uri, "wt")) {
            if (stream == null) {
                throw new FileNotFoundException("its app takes nothing");
            }
            stream.write(content);
        } catch (IOException | RuntimeException error) {
            remove(uri);
            throw new TroubleException(R.string.export_failed, name, reason(error));
        }
    }

    private void remove(Uri uri) {
        try {
            DocumentsContract.deleteDocument(resolver, uri);
        } catch (IOException | RuntimeException ownerRefuses) {
            // the sentence that follows says that the file was not written
        }
    }

    private static String reason(Exception error) {
        return error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
    }
}
