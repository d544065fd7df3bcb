package android.os;

import java.util.HashMap;
import java.util.Map;

/** Values by name, of the types that the app keeps. */
public final class Bundle {
    private final Map<String, Object> values = new HashMap<>();

    /** Keeps a text. */
    public void putString(String key, String value) {
        values.put(key, value);
    }

    /** A text, or null. */
    public String getString(String key) {
        return (String) values.get(key);
    }

    /** Keeps a truth value. */
    public void putBoolean(String key, boolean value) {
        values.put(key, value);
    }

    /** A truth value, or false. */
    public boolean getBoolean(String key) {
        return Boolean.TRUE.equals(values.get(key));
    }

    /** True if there is something of that name. */
    public boolean containsKey(String key) {
        return values.containsKey(key);
    }
}
