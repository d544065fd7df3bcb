package android.hardware.camera2;

import android.view.Surface;
import java.util.ArrayList;
import java.util.List;

/** What a camera is asked for. */
public final class CaptureRequest extends CameraMetadata<CaptureRequest.Key<?>> {
    /** How it focuses. */
    public static final Key<Integer> CONTROL_AF_MODE = new Key<>();

    private final List<Surface> targets;

    CaptureRequest(List<Surface> targets) {
        this.targets = targets;
    }

    /** Not Android's: where its pictures go. */
    public List<Surface> jvmTargets() {
        return targets;
    }

    /** Name of a setting. */
    public static final class Key<T> {
        Key() {}
    }

    /** Puts a request together. */
    public static final class Builder {
        private final List<Surface> targets = new ArrayList<>();

        /** Not Android's. */
        public Builder() {}

        /** Adds where pictures go. */
        public void addTarget(Surface target) {
            targets.add(target);
        }

        /** Sets something; passed over here. */
        public <T> void set(Key<T> key, T value) {}

        /** The request. */
        public CaptureRequest build() {
            return new CaptureRequest(new ArrayList<>(targets));
        }
    }
}
