package org.cspineedge.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeSet;

/**
 * What the sensors say at one moment: the object {@code Readings} of the bench's report, as the toolkit's
 * {@code sensors.py} reads it. What Android closes to apps, and what only some boards have, is {@code null}.
 */
final class Readings {
    private static final double LOWEST_CELSIUS = -60; // sensors that are off give other numbers
    private static final double HIGHEST_CELSIUS = 200;

    private final Map<String, Object> fields = new LinkedHashMap<>();
    private final TreeSet<String> governors = new TreeSet<>();

    /** Reads the sensors. */
    Readings(SystemFiles files) {
        List<String> processors = files.numbered("sys/devices/system/cpu", "cpu");
        for (String processor : processors) {
            governors.add(files.text(processor + "/cpufreq/scaling_governor"));
        }
        governors.remove("");
        List<Object> highest = megahertz(files, processors, "scaling_max_freq");
        fields.put("load_average", files.firstNumber("proc/loadavg"));
        fields.put("governors", orNull(new ArrayList<>(governors)));
        fields.put("frequencies_mhz", orNull(megahertz(files, processors, "scaling_cur_freq")));
        fields.put(
                "max_frequencies_mhz",
                orNull(highest.isEmpty() ? megahertz(files, processors, "cpuinfo_max_freq") : highest));
        fields.put("temperatures", orNull(temperatures(files)));
        fields.put("throttled_now", null);
        fields.put("throttled_since_boot", null);
        fields.put("overcurrent_events", null);
        fields.put("power", null);
    }

    /** The object of the report. */
    Map<String, Object> fields() {
        return fields;
    }

    /** CPU frequency governors that let the clock vary. */
    List<String> slowGovernors() {
        TreeSet<String> slow = new TreeSet<>(governors);
        slow.remove("performance");
        return new ArrayList<>(slow);
    }

    private static List<Object> megahertz(SystemFiles files, List<String> processors, String name) {
        List<Object> found = new ArrayList<>();
        for (String processor : processors) {
            OptionalDouble kilohertz = files.number(processor + "/cpufreq/" + name);
            if (kilohertz.orElse(0) > 0) {
                found.add(kilohertz.getAsDouble() / 1000);
            }
        }
        return found;
    }

    private static List<Object> temperatures(SystemFiles files) {
        List<Object> zones = new ArrayList<>();
        for (String folder : files.numbered("sys/class/thermal", "thermal_zone")) {
            double celsius = files.number(folder + "/temp").orElse(Double.NaN) / 1000;
            if (celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS) {
                String type = files.text(folder + "/type");
                Map<String, Object> zone = new LinkedHashMap<>();
                zone.put("name", type.isEmpty() ? folder.substring(folder.lastIndexOf('/') + 1) : type);
                zone.put("celsius", celsius);
                zones.add(zone);
            }
        }
        return zones;
    }

    private static List<?> orNull(List<?> found) {
        return found.isEmpty() ? null : found;
    }
}
