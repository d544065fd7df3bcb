package android.content;

import android.net.Uri;
import android.os.Parcelable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What one app asks of another. */
public class Intent implements Parcelable {
    /** Shows something. */
    public static final String ACTION_VIEW = "android.intent.action.VIEW";
    /** Takes something. */
    public static final String ACTION_SEND = "android.intent.action.SEND";
    /** Takes several things. */
    public static final String ACTION_SEND_MULTIPLE = "android.intent.action.SEND_MULTIPLE";
    /** Lets the user choose a file. */
    public static final String ACTION_OPEN_DOCUMENT = "android.intent.action.OPEN_DOCUMENT";
    /** Lets the user name a new file. */
    public static final String ACTION_CREATE_DOCUMENT = "android.intent.action.CREATE_DOCUMENT";
    /** Lets the user choose an app. */
    public static final String ACTION_CHOOSER = "android.intent.action.CHOOSER";
    /** Files that can be opened. */
    public static final String CATEGORY_OPENABLE = "android.intent.category.OPENABLE";
    /** A file, or several. */
    public static final String EXTRA_STREAM = "android.intent.extra.STREAM";
    /** A text. */
    public static final String EXTRA_TEXT = "android.intent.extra.TEXT";
    /** A name. */
    public static final String EXTRA_TITLE = "android.intent.extra.TITLE";
    /** Another intent. */
    public static final String EXTRA_INTENT = "android.intent.extra.INTENT";

    private final String action;
    private final Set<String> categories = new HashSet<>();
    private final Map<String, Object> extras = new HashMap<>();
    private Uri data;
    private String type;

    /** Asks for an action. */
    public Intent(String action) {
        this.action = action;
    }

    /** Lets the user choose an app for an intent. */
    public static Intent createChooser(Intent target, CharSequence title) {
        Intent chooser = new Intent(ACTION_CHOOSER);
        chooser.extras.put(EXTRA_INTENT, target);
        chooser.extras.put(EXTRA_TITLE, title);
        return chooser;
    }

    /** The action. */
    public String getAction() {
        return action;
    }

    /** The address, or null. */
    public Uri getData() {
        return data;
    }

    /** Sets the address. */
    public Intent setData(Uri value) {
        data = value;
        return this;
    }

    /** The media type, or null. */
    public String getType() {
        return type;
    }

    /** Sets the media type. */
    public Intent setType(String value) {
        type = value;
        return this;
    }

    /** Adds a category. */
    public Intent addCategory(String category) {
        categories.add(category);
        return this;
    }

    /** Adds a text. */
    public Intent putExtra(String name, String value) {
        extras.put(name, value);
        return this;
    }

    /** Adds an object. */
    public Intent putExtra(String name, Parcelable value) {
        extras.put(name, value);
        return this;
    }

    /** Adds objects. */
    public Intent putParcelableArrayListExtra(String name, ArrayList<? extends Parcelable> value) {
        extras.put(name, value);
        return this;
    }

    /** A text, or null. */
    public String getStringExtra(String name) {
        return extras.get(name) instanceof String text ? text : null;
    }

    /** An object, or null; untyped, as Android's. */
    @SuppressWarnings("unchecked")
    public <T extends Parcelable> T getParcelableExtra(String name) {
        return extras.get(name) instanceof Parcelable value ? (T) value : null;
    }

    /** Objects, or null; untyped, as Android's. */
    @SuppressWarnings("unchecked")
    public <T extends Parcelable> ArrayList<T> getParcelableArrayListExtra(String name) {
        return extras.get(name) instanceof ArrayList<?> list ? (ArrayList<T>) list : null;
    }
}
