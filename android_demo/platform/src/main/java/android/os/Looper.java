package android.os;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** A queue of tasks. The main one is run by the driver, on its own thread, whenever it waits for something. */
public final class Looper {
    private static final Looper MAIN = new Looper();

    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private volatile boolean quit;

    Looper() {}

    /** The main thread's. */
    public static Looper getMainLooper() {
        return MAIN;
    }

    void post(Runnable task) {
        if (!quit) {
            tasks.add(task);
        }
    }

    /** Ends {@link #run} when all that was posted is done. */
    void quitSafely() {
        quit = true;
        tasks.add(() -> {});
    }

    void run() {
        try {
            while (!quit || !tasks.isEmpty()) {
                tasks.take().run();
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    /** Not Android's: runs the main thread's tasks until something holds. */
    public static void jvmRunUntil(BooleanSupplier holds, double seconds) throws TimeoutException, InterruptedException {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (!holds.getAsBoolean()) {
            Runnable task = MAIN.tasks.poll(20, TimeUnit.MILLISECONDS);
            if (task != null) {
                task.run();
            } else if (System.nanoTime() - end > 0) {
                throw new TimeoutException("nothing happened for " + seconds + " s");
            }
        }
    }
}
