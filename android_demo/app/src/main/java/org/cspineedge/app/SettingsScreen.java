package org.cspineedge.app;

import android.view.View;
import android.view.ViewGroup;
import android.widget.RadioButton;
import android.widget.RadioGroup;
import java.util.ArrayList;
import java.util.List;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.KernelFamily;

/** Which model, and how it is run. */
final class SettingsScreen extends Screen {
    private static final int MOST_THREADS = 8;

    SettingsScreen(MainActivity activity, ViewGroup parent) {
        super(activity, R.layout.screen_settings, parent);
        onClick(R.id.open_model, activity::chooseModel);
    }

    @Override
    void show() {
        showNotice(R.id.settings_notice);
        Loaded loaded = session.loaded();
        boolean ready = !session.isWorking();
        view.findViewById(R.id.open_model).setEnabled(ready);
        RadioGroup models = empty(R.id.models);
        RadioGroup engines = empty(R.id.engines);
        RadioGroup families = empty(R.id.families);
        RadioGroup threads = empty(R.id.threads);
        if (loaded == null) {
            return;
        }
        ModelSource source = loaded.source();
        Loaded.Setup setup = loaded.setup();
        addModel(models, R.string.model_default, ModelSource.DEFAULT, loaded, ready);
        addModel(models, R.string.model_fast, ModelSource.FAST, loaded, ready);
        if (source.asset() == null) {
            add(models, loaded.classifier().model().name(), true, ready, () -> {});
        }
        for (int i = 0; i < session.engines().size(); i++) {
            EngineFactory factory = session.engines().get(i);
            Loaded.Setup choice = new Loaded.Setup(i, factory.families().get(0), setup.threads());
            add(engines, factory.runtime(), i == setup.engine(), ready, () -> session.use(source, choice));
        }
        for (KernelFamily family : session.engines().get(setup.engine()).families()) {
            Loaded.Setup choice = new Loaded.Setup(setup.engine(), family, setup.threads());
            add(families, family.key(), family == setup.family(), ready, () -> session.use(source, choice));
        }
        for (int count : threadCounts(setup.threads())) {
            Loaded.Setup choice = new Loaded.Setup(setup.engine(), setup.family(), count);
            String text = resources().getQuantityString(R.plurals.thread_count, count, count);
            add(threads, text, count == setup.threads(), ready, () -> session.use(source, choice));
        }
    }

    private void addModel(RadioGroup group, int text, ModelSource source, Loaded loaded, boolean ready) {
        add(group, resources().getString(text), source.equals(loaded.source()), ready,
                () -> session.use(source, loaded.setup()));
    }

    /** Powers of two as far as there are processors, and the one in use. */
    private static List<Integer> threadCounts(int inUse) {
        List<Integer> counts = new ArrayList<>();
        int most = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
        for (int count = 1; count <= Math.max(most, inUse); count++) {
            if (Integer.bitCount(count) == 1 && count <= most || count == inUse) {
                counts.add(count);
            }
        }
        return counts;
    }

    private RadioGroup empty(int id) {
        RadioGroup group = find(id);
        group.removeAllViews();
        group.clearCheck();
        return group;
    }

    private void add(RadioGroup group, String text, boolean checked, boolean enabled, Runnable action) {
        RadioButton button =
                (RadioButton) activity.getLayoutInflater().inflate(R.layout.choice, group, false);
        button.setId(View.generateViewId()); // a group tells its buttons apart by their ids
        button.setText(text);
        button.setEnabled(enabled);
        group.addView(button);
        if (checked) {
            group.check(button.getId());
        } else {
            button.setOnClickListener(clicked -> action.run());
        }
    }
}
