package android.hardware.camera2;

import android.view.Surface;
import java.util.ArrayList;
import java.util.List;

/** What a camera is asked for. */
public final class CaptureRequest {
    private final List<Surface> targets;

    CaptureRequest(List<Surface> targets) {
        this.targets = targets;
    }

    /** Not Android's: where its pictures go. */
    public List<Surface> jvmTargets() {
        return targets;
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

        /** The request. */
        public CaptureRequest build() {
            return new CaptureRequest(new ArrayList<>(targets));
        }
    }
}
