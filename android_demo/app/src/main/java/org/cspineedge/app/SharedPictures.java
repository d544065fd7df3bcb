package org.cspineedge.app;

import android.content.Intent;
import android.net.Uri;
import android.os.Parcelable;
import java.util.ArrayList;
import java.util.List;

/** The pictures that another app hands over. */
final class SharedPictures {
    private SharedPictures() {}

    /** Their addresses; none if the intent is for something else, or is malformed. */
    static List<Uri> of(Intent intent) {
        try {
            return read(intent);
        } catch (RuntimeException malformed) { // an extra of a class that this app does not have, for one
            return List.of();
        }
    }

    @SuppressWarnings("deprecation") // the typed successors need API 33, and fail on some phones of that version
    private static List<Uri> read(Intent intent) {
        String action = String.valueOf(intent.getAction());
        List<Uri> uris = new ArrayList<>();
        switch (action) {
            case Intent.ACTION_VIEW -> add(uris, intent.getData());
            case Intent.ACTION_SEND -> add(uris, intent.getParcelableExtra(Intent.EXTRA_STREAM));
            case Intent.ACTION_SEND_MULTIPLE -> {
                List<Parcelable> extras = intent.getParcelableArrayListExtra(Intent.EXTRA_STREAM);
                for (Parcelable extra : extras == null ? List.<Parcelable>of() : extras) {
                    add(uris, extra);
                }
            }
            default -> {}
        }
        return uris;
    }

    /** Other apps may put anything there. */
    private static void add(List<Uri> uris, Parcelable extra) {
        if (extra instanceof Uri uri) {
            uris.add(uri);
        }
    }
}
