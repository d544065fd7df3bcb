package org.cspineedge.app;

import android.content.res.Resources;

/**
 * A sentence for the user, put into words when it is shown, because the language may change before that.
 *
 * @param text a string, or plurals if there is a count
 * @param count what the plural goes by; null for a plain string
 * @param arguments what the sentence names; a count is its first argument besides
 */
record Notice(int text, Integer count, Object... arguments) {
    static Notice of(int text, Object... arguments) {
        return new Notice(text, null, arguments);
    }

    static Notice counted(int plurals, int count, Object... arguments) {
        return new Notice(plurals, count, arguments);
    }

    String in(Resources resources) {
        Object[] named = arguments.clone();
        for (int i = 0; i < named.length; i++) {
            named[i] = named[i] instanceof Notice inner ? inner.in(resources) : named[i];
        }
        if (count == null) {
            return resources.getString(text, named);
        }
        Object[] all = new Object[named.length + 1];
        all[0] = count;
        System.arraycopy(named, 0, all, 1, named.length);
        return resources.getQuantityString(text, count, all);
    }
}
