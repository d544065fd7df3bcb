package org.cspineedge.app;

import android.content.Context;
import android.net.Uri;
import java.io.IOException;
import java.io.InputStream;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;

/**
 * Where a model comes from: shipped within the app, or a file that the user chose.
 *
 * @param asset its name among the app's assets; null for a file
 * @param file its address; null for a shipped one
 */
record ModelSource(String asset, Uri file) {
    static final ModelSource DEFAULT = new ModelSource("models/default.tflite", null);
    static final ModelSource FAST = new ModelSource("models/fast.tflite", null);

    static ModelSource of(Uri file) {
        return new ModelSource(null, file);
    }

    /**
     * Reads the model and its contract.
     *
     * @throws ModelException if it is foreign, broken or without contract
     * @throws TroubleException if it cannot be read
     */
    ModelFile read(Context context) throws ModelException, TroubleException {
        Documents documents = new Documents(context.getContentResolver());
        String name = asset == null ? documents.name(file) : asset.substring(asset.indexOf('/') + 1);
        try (InputStream stream = asset == null ? documents.open(file) : context.getAssets().open(asset)) {
            return ModelFile.read(name, stream);
        } catch (IOException error) {
            throw new TroubleException(R.string.file_unreadable, name, error.getMessage());
        }
    }
}
