package org.cspineedge.app;

import android.content.res.Resources;
import android.os.Build;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.ImageView;
import android.widget.SeekBar;
import org.cspineedge.core.Contract;
import org.cspineedge.core.Engine;
import org.cspineedge.core.GreyImage;
import org.cspineedge.core.LatencyWindow;
import org.cspineedge.core.SliceClassifier;
import org.cspineedge.core.Verdict;

/** The camera, the picture, the verdict and the threshold. */
final class ScanScreen extends Screen implements Camera.Listener, SeekBar.OnSeekBarChangeListener {
    private final Button shutter = find(R.id.shutter);
    private final SeekBar slider = find(R.id.threshold);
    private Camera camera; // null while it is not needed
    private Notice cameraTrouble;
    private boolean resumed;

    ScanScreen(MainActivity activity, ViewGroup parent) {
        super(activity, R.layout.screen_scan, parent);
        slider.setOnSeekBarChangeListener(this);
        onClick(R.id.shutter, this::onShutter);
        onClick(R.id.open_picture, activity::choosePicture);
        onClick(R.id.threshold_reset, () -> session.setThreshold(
                session.loaded().classifier().contract().threshold().logit()));
        onClick(R.id.go_history, () -> activity.go(R.layout.screen_history));
        onClick(R.id.go_checks, () -> activity.go(R.layout.screen_checks));
        onClick(R.id.go_settings, () -> activity.go(R.layout.screen_settings));
        onClick(R.id.go_about, () -> activity.go(R.layout.screen_about));
    }

    @Override
    void onResume() {
        resumed = true;
        cameraTrouble = null;
        show();
    }

    @Override
    void onPause() {
        resumed = false;
        stopCamera();
    }

    @Override
    void show() {
        Resources resources = resources();
        boolean live = session.picture() == null;
        boolean allowed = activity.mayUseCamera();
        if (!resumed || !live || !allowed || cameraTrouble != null) {
            stopCamera();
        } else if (camera == null) {
            camera = new Camera(activity, find(R.id.preview), this);
        }
        showPicture();
        shutter.setText(!live ? R.string.back_to_camera : allowed ? R.string.take_picture : R.string.allow_camera);
        shutter.setEnabled(!session.isWorking() && (cameraTrouble == null || !live));
        view.findViewById(R.id.open_picture).setEnabled(!session.isWorking());
        Notice note = activity.isCameraDenied() && !allowed ? Notice.of(R.string.camera_denied) : cameraTrouble;
        setText(R.id.camera_note, note == null || !live ? null : note.in(resources));
        view.findViewById(R.id.working).setVisibility(session.isWorking() ? View.VISIBLE : View.GONE);
        showNotice(R.id.notice);
        showVerdict(resources);
        showThreshold(resources);
        int count = session.history().entries().size();
        setText(R.id.go_history, resources.getQuantityString(R.plurals.history_count, count, count));
    }

    private void stopCamera() {
        if (camera != null) {
            camera.stop();
            camera = null;
        }
    }

    private void showPicture() {
        ImageView shown = find(R.id.picture);
        Picture picture = session.picture();
        shown.setVisibility(picture == null ? View.GONE : View.VISIBLE);
        if (picture != null) {
            shown.setImageBitmap(picture.shown());
            shown.setContentDescription(resources().getString(R.string.picture_description, picture.name()));
        } else {
            shown.setImageDrawable(null);
        }
    }

    private void showVerdict(Resources resources) {
        Verdict verdict = session.verdict();
        view.findViewById(R.id.verdict).setVisibility(verdict == null ? View.GONE : View.VISIBLE);
        if (verdict == null) {
            return;
        }
        SliceClassifier classifier = session.loaded().classifier();
        Contract contract = classifier.contract();
        setText(R.id.verdict_label, verdict.label());
        boolean referred = verdict.referral().isNeeded(); // then the label reassures nobody
        activity.color(find(R.id.verdict_label),
                referred ? R.color.warning : verdict.positive() ? R.color.positive : R.color.negative);
        setText(R.id.verdict_referral, resources.getString(Words.sentence(verdict.referral())));
        activity.color(find(R.id.verdict_referral), referred ? R.color.warning : R.color.text);
        setText(R.id.verdict_score,
                resources.getString(R.string.score, contract.positive(), Words.score(verdict.score())));
        setText(R.id.verdict_threshold, resources.getString(
                R.string.margin_against, Words.margin(verdict.margin()), Words.margin(verdict.threshold())));
        Picture picture = session.picture();
        String name = picture.shrunk() == 1
                ? picture.name()
                : resources.getString(R.string.shrunk, picture.name(), picture.shrunk());
        Engine engine = classifier.engine();
        setText(R.id.verdict_source, resources.getString(R.string.judged_by, name, classifier.model().name(),
                engine.runtime() + " " + engine.version(), engine.family().key()));
        LatencyWindow latency = classifier.latency();
        setText(R.id.verdict_latency, latency.count() == 0 ? null : resources.getQuantityString(
                R.plurals.latency, latency.count(), latency.count(),
                Words.milliseconds(latency.p50Ms().getAsDouble()), Words.milliseconds(latency.p90Ms().getAsDouble())));
    }

    private void showThreshold(Resources resources) {
        boolean there = session.loaded() != null;
        view.findViewById(R.id.threshold_card).setVisibility(there ? View.VISIBLE : View.GONE);
        if (!there) {
            return;
        }
        SliceClassifier classifier = session.loaded().classifier();
        Contract contract = classifier.contract();
        double threshold = classifier.threshold();
        String margin = Words.margin(threshold);
        setText(R.id.threshold_title, resources.getString(
                R.string.threshold_now, margin, Words.score(Words.scoreOf(threshold, contract))));
        setText(R.id.threshold_contract, resources.getString(
                R.string.threshold_contract, Words.margin(contract.threshold().logit())));
        slider.setProgress(new ThresholdScale(contract).step(threshold));
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            slider.setStateDescription(margin); // a percentage would say nothing
        }
        view.findViewById(R.id.threshold_reset).setEnabled(threshold != contract.threshold().logit());
    }

    private void onShutter() {
        if (session.picture() != null) {
            session.leavePicture();
        } else if (camera != null) {
            camera.shoot();
        } else {
            activity.askForCamera();
        }
    }

    @Override
    public void onPicture(GreyImage upright) {
        session.take(GuideView.cut(upright));
    }

    @Override
    public void onTrouble(Notice trouble) {
        cameraTrouble = trouble;
        show();
    }

    @Override
    public void onProgressChanged(SeekBar bar, int step, boolean fromUser) {
        if (fromUser) { // else it only shows what is set
            Contract contract = session.loaded().classifier().contract();
            session.setThreshold(new ThresholdScale(contract).margin(step));
        }
    }

    @Override
    public void onStartTrackingTouch(SeekBar bar) {}

    @Override
    public void onStopTrackingTouch(SeekBar bar) {}
}
