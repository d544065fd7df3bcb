package org.cspineedge.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * What a bench's report tells of the phone, besides what the bench reads itself below {@code /proc}.
 *
 * @param name maker and model, as {@code Build.MANUFACTURER} and {@code Build.MODEL} give them
 * @param processor its chip, as {@code Build.SOC_MODEL} gives it; empty if it is not told
 * @param architecture as {@code os.arch} gives it, such as {@code aarch64}
 * @param system operating system and release, such as {@code Android 15}
 */
public record Device(String name, Optional<String> processor, String architecture, String system) {
    /** Instruction sets that decide which int8 kernels run, by their names in {@code /proc/cpuinfo}. */
    private static final List<String> SIMD =
            List.of("avx2", "avx_vnni", "avx512_vnni", "neon", "asimd", "asimddp", "i8mm");

    /** The object {@code Machine} of the report. */
    Map<String, Object> fields(SystemFiles files) {
        Set<String> features = files.words("proc/cpuinfo", "flags", "Features");
        List<String> simd = new ArrayList<>();
        for (String name : SIMD) {
            if (features.contains(name)) {
                simd.add(name);
            }
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("board", name);
        fields.put("cpu", processor.orElse(null));
        fields.put("architecture", architecture);
        fields.put("processors", Runtime.getRuntime().availableProcessors());
        fields.put("simd", simd);
        OptionalDouble memory = files.mebibytes("proc/meminfo", "MemTotal");
        fields.put("memory_mib", memory.isPresent() ? (int) memory.getAsDouble() : null);
        fields.put("system", system);
        fields.put("python", null);
        fields.put("firmware", null);
        fields.put("power_mode", null);
        return fields;
    }
}
