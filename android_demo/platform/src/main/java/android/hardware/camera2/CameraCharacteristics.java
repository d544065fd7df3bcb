package android.hardware.camera2;

import android.hardware.camera2.params.StreamConfigurationMap;
import java.util.Map;

/** What a camera is. */
public final class CameraCharacteristics extends CameraMetadata<CameraCharacteristics.Key<?>> {
    /** Where it looks. */
    public static final Key<Integer> LENS_FACING = new Key<>();
    /** By how much its pictures are to be turned clockwise. */
    public static final Key<Integer> SENSOR_ORIENTATION = new Key<>();
    /** What it can give. */
    public static final Key<StreamConfigurationMap> SCALER_STREAM_CONFIGURATION_MAP = new Key<>();

    private final Map<Key<?>, Object> facts;

    /** Not Android's. */
    public CameraCharacteristics(Map<Key<?>, Object> facts) {
        this.facts = facts;
    }

    /** A fact, or null. */
    @SuppressWarnings("unchecked")
    public <T> T get(Key<T> key) {
        return (T) facts.get(key);
    }

    /** Name of a fact. */
    public static final class Key<T> {
        Key() {}
    }
}
