package org.cspineedge.platform;

import android.content.ContentResolver;
import android.database.Cursor;
import android.net.Uri;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;

/** Files by addresses such as {@code content://files/tmp/a.png}; what is after the host is a path. */
final class PhoneFiles extends ContentResolver {
    private static final String PREFIX = "content://files";

    private static File file(Uri uri) {
        return new File(uri.toString().substring(PREFIX.length()));
    }

    @Override
    protected Cursor jvmQuery(Uri uri, String[] columns) {
        return new Cursor() {
            @Override
            public boolean moveToFirst() {
                return true;
            }

            @Override
            public boolean isNull(int column) {
                return false;
            }

            @Override
            public String getString(int column) {
                return file(uri).getName();
            }

            @Override
            public void close() {}
        };
    }

    @Override
    protected InputStream jvmRead(Uri uri) throws FileNotFoundException {
        return new FileInputStream(file(uri));
    }

    @Override
    protected OutputStream jvmWrite(Uri uri) throws FileNotFoundException {
        return new FileOutputStream(file(uri));
    }

    @Override
    public boolean jvmDelete(Uri uri) {
        return file(uri).delete();
    }
}
