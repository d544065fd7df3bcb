package android.os;

/** A thread that runs a looper. */
public class HandlerThread extends Thread {
    private final Looper looper = new Looper();

    /** @param name the thread's name */
    public HandlerThread(String name) {
        super(name);
        setDaemon(true);
    }

    @Override
    public void run() {
        looper.run();
    }

    /** Its looper. */
    public Looper getLooper() {
        return looper;
    }

    /** Ends the thread when all that was posted is done. */
    public boolean quitSafely() {
        looper.quitSafely();
        return true;
    }
}
