package org.cspineedge.core;

import java.util.List;
import java.util.Optional;

/**
 * What a model file of ours says of itself: all that is needed to use the model as the toolkit does.
 *
 * @param preprocessing from grey image to input bytes
 * @param outputs which output is which
 * @param labels the two class names in output order
 * @param positive the one that is looked for
 * @param threshold operating threshold
 * @param temperature the score is {@code sigmoid(margin / temperature)}; 1 leaves the network's own
 * @param abstention which margins go to a radiologist; empty if nothing was chosen
 * @param golden golden pairs
 * @param graphSha256 SHA-256 of the flatbuffer, in lower-case hexadecimal
 * @param intendedUse what the model may be used for
 * @param provenance where it comes from, if the file tells
 * @param parity what its comparison with the float network found, if there was one
 */
public record Contract(
        Preprocessing preprocessing,
        Outputs outputs,
        List<String> labels,
        String positive,
        Threshold threshold,
        double temperature,
        Optional<Abstention> abstention,
        List<GoldenPair> golden,
        String graphSha256,
        String intendedUse,
        Optional<Provenance> provenance,
        Optional<Parity> parity) {

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if a field contradicts another
     */
    public Contract {
        labels = List.copyOf(labels);
        golden = List.copyOf(golden);
        if (labels.size() != 2 || labels.get(0).equals(labels.get(1)) || !labels.contains(positive)) {
            throw new IllegalArgumentException("labels should be two names, one of them the positive class");
        }
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("temperature should be above 0");
        }
    }

    /** Position of the positive class among the labels. */
    public int positiveIndex() {
        return labels.indexOf(positive);
    }
}
