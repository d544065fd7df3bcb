package org.cspineedge.core;

import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;

/** Points in time as documents state them. */
final class UtcTime {
    private UtcTime() {}

    /** ISO 8601 in UTC to the second, as the toolkit writes it: {@code 2026-11-24T01:43:03+00:00}. */
    static String iso(long utcMillis) {
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        return format.format(new Date(utcMillis));
    }
}
