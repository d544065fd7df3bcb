package org.cspineedge.app;

import android.content.Context;
import android.net.Uri;
import android.os.Handler;
import android.os.Looper;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.cspineedge.core.Contract;
import org.cspineedge.core.Decision;
import org.cspineedge.core.EngineFactory;
import org.cspineedge.core.GreyImage;
import org.cspineedge.core.History;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;
import org.cspineedge.core.Reading;
import org.cspineedge.core.SliceClassifier;
import org.cspineedge.core.Verdict;

/**
 * What the app is about, apart from its screens: the model in use, the picture and its verdict, the history. It outlives
 * the activity when the phone is turned, and ends with it otherwise; nothing is kept on the phone.
 *
 * <p>All of it belongs to the main thread. Work is done on one other thread, one piece after the other, so that an engine
 * is never used by two; what comes out of it is handed to the main thread.
 */
final class Session {
    /** Pictures that are taken at a time. */
    static final int MOST_PICTURES = 50;

    /** Told on the main thread. */
    interface Observer {
        void onSessionChanged();
    }

    /** A piece of work. */
    interface Work {
        /** Done on the worker; gives what is then to be done on the main thread. */
        Runnable run() throws TroubleException, ModelException;
    }

    private final Context context;
    private final List<EngineFactory> engines;
    private final Documents documents;
    private final History history = new History();
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService worker = Executors.newSingleThreadExecutor();
    private Loaded atWork; // the worker's own view: what it loads it uses at once
    private Loaded loaded;
    private Observer observer;
    private int working;
    private Notice notice;
    private Picture picture;
    private Verdict verdict;

    /** @param context the application's, since it outlives the activity */
    Session(Context context, List<EngineFactory> engines) {
        this.context = context;
        this.engines = engines;
        this.documents = new Documents(context.getContentResolver());
        int threads = Math.min(4, Runtime.getRuntime().availableProcessors());
        use(ModelSource.DEFAULT, new Loaded.Setup(0, engines.get(0).families().get(0), threads));
    }

    /** Who is told of changes; null for nobody. */
    void observe(Observer wanted) {
        observer = wanted;
    }

    /** Does work, and tells what goes wrong. */
    void submit(Work work) {
        working++;
        worker.execute(() -> {
            Runnable after;
            try {
                after = work.run();
            } catch (TroubleException error) {
                after = () -> notice = error.notice();
            } catch (ModelException error) {
                after = () -> notice = Notice.of(R.string.trouble, error.getMessage());
            } catch (OutOfMemoryError error) {
                after = () -> notice = Notice.of(R.string.out_of_memory);
            } catch (RuntimeException error) { // a picture or model should not end the app, whatever is in it
                after = () -> notice = Notice.of(R.string.unexpected, error.toString());
            }
            Runnable done = after;
            main.post(() -> {
                working--;
                done.run();
                changed();
            });
        });
        changed();
    }

    /** Puts a model into use; the old one stays if that fails. A new model brings its own threshold. */
    void use(ModelSource source, Loaded.Setup setup) {
        notice = null;
        submit(() -> {
            Loaded old = atWork;
            boolean same = old != null && source == old.source(); // a file that is chosen again is read again
            ModelFile model = same ? old.classifier().model() : source.read(context);
            SliceClassifier opened =
                    new SliceClassifier(model, engines.get(setup.engine()), setup.family(), setup.threads());
            if (same) {
                opened.setThreshold(old.classifier().threshold());
            }
            if (old != null) {
                old.classifier().close();
            }
            Loaded fresh = new Loaded(source, setup, opened);
            atWork = fresh;
            return () -> {
                loaded = fresh;
                if (old != null) {
                    notice = Notice.of(R.string.model_opened, model.name());
                }
                if (picture != null) {
                    Picture again = picture;
                    verdict = null;
                    submit(() -> judged(again));
                }
            };
        });
    }

    /** Judges pictures; the last one that can be read stays on the screen, all are in the history. */
    void open(List<Uri> uris) {
        notice = null;
        List<Uri> wanted = uris.subList(0, Math.min(MOST_PICTURES, uris.size()));
        PictureReader reader = new PictureReader(documents);
        if (wanted.size() == 1) {
            submit(() -> judged(reader.read(wanted.get(0))));
            return;
        }
        submit(() -> {
            Runnable last = () -> {};
            Notice outcome = wanted.size() < uris.size()
                    ? Notice.of(R.string.too_many, uris.size(), wanted.size())
                    : Notice.counted(R.plurals.pictures_judged, wanted.size());
            int refused = 0;
            for (Uri uri : wanted) {
                try {
                    last = judged(reader.read(uri));
                } catch (TroubleException error) {
                    refused++;
                    outcome = Notice.counted(R.plurals.pictures_refused, refused, error.notice());
                }
            }
            Runnable shown = last;
            Notice told = outcome;
            return () -> {
                shown.run();
                notice = told;
            };
        });
    }

    /** Judges what the camera took. */
    void take(GreyImage square) {
        notice = null;
        submit(() -> judged(Picture.of(context.getString(R.string.camera_name), square, 1)));
    }

    /** On the worker. */
    private Runnable judged(Picture next) throws TroubleException {
        SliceClassifier judge = classifierAtWork();
        Reading reading = judge.classify(next.grey());
        history.add(System.currentTimeMillis(), next.name(), reading, judge);
        return () -> {
            picture = next;
            verdict = reading.verdict();
        };
    }

    /** The classifier, for the worker. */
    SliceClassifier classifierAtWork() throws TroubleException {
        if (atWork == null) {
            throw new TroubleException(R.string.not_ready);
        }
        return atWork.classifier();
    }

    /** Back to the camera; the history stays. */
    void leavePicture() {
        picture = null;
        verdict = null;
        tell(null);
    }

    /** Sets the threshold of this session and judges the picture by it. */
    void setThreshold(double margin) {
        loaded.classifier().setThreshold(margin);
        if (verdict != null) {
            Contract contract = loaded.classifier().contract();
            double known = verdict.margin();
            Decision decision = new Decision(contract, margin);
            verdict = contract.positiveIndex() == 1 ? decision.decide(0, known) : decision.decide(known, 0);
        }
        changed();
    }

    /** Writes a document that the user has just named. */
    void export(Uri uri, String text) {
        notice = null;
        submit(() -> {
            documents.write(uri, text.getBytes(StandardCharsets.UTF_8));
            Notice done = Notice.of(R.string.exported, documents.name(uri));
            return () -> notice = done;
        });
    }

    void tell(Notice sentence) {
        notice = sentence;
        changed();
    }

    void changed() {
        if (observer != null) {
            observer.onSessionChanged();
        }
    }

    /** Hands something to the main thread, from the worker. */
    void onMain(Runnable task) {
        main.post(task);
    }

    /** Ends it; work that has begun is done first. */
    void close() {
        worker.execute(() -> {
            if (atWork != null) {
                atWork.classifier().close();
            }
        });
        worker.shutdown();
    }

    boolean isWorking() {
        return working > 0;
    }

    /** What to tell the user; null if nothing. */
    Notice notice() {
        return notice;
    }

    List<EngineFactory> engines() {
        return engines;
    }

    /** The model in use; null before the first is ready. */
    Loaded loaded() {
        return loaded;
    }

    /** The picture that is judged; null if there is none. */
    Picture picture() {
        return picture;
    }

    /** What is said of it, by the threshold of this session; null if there is none. */
    Verdict verdict() {
        return verdict;
    }

    History history() {
        return history;
    }
}
