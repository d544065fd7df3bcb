package android.os;

/** Posts tasks to a looper. */
public class Handler {
    private final Looper looper;

    /** @param looper whose thread runs the tasks */
    public Handler(Looper looper) {
        this.looper = looper;
    }

    /** Has a task run soon; always true here. */
    public final boolean post(Runnable task) {
        looper.post(task);
        return true;
    }
}
