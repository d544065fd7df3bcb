package org.cspineedge.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An input and the outputs that each kernel family gave for it on the workstation.
 *
 * @param image name in the archive of a grey PNG of the input's height and width
 * @param expected per kernel family, per output tensor, its raw values (integers for quantised outputs)
 */
public record GoldenPair(String image, Map<String, List<List<Double>>> expected) {
    /** Copies what it is given. */
    public GoldenPair {
        Map<String, List<List<Double>>> copy = new LinkedHashMap<>();
        for (Map.Entry<String, List<List<Double>>> entry : expected.entrySet()) {
            List<List<Double>> outputs = new ArrayList<>();
            for (List<Double> output : entry.getValue()) {
                outputs.add(List.copyOf(output));
            }
            copy.put(entry.getKey(), Collections.unmodifiableList(outputs));
        }
        expected = Collections.unmodifiableMap(copy);
    }
}
