package android.database;

import java.io.Closeable;

/** Rows of a table. */
public interface Cursor extends Closeable {
    /** Goes to the first row; false if there is none. */
    boolean moveToFirst();

    /** True if the row has nothing in this column. */
    boolean isNull(int column);

    /** The row's text in this column. */
    String getString(int column);

    @Override
    void close();
}
