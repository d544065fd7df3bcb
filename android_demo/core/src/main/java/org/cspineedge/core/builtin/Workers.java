package org.cspineedge.core.builtin;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed number of threads that compute the parts of one kernel at a time: the caller and daemons beside it. They wait
 * for the next kernel turning for a moment, then asleep.
 */
final class Workers {
    private static final int TURNS = 20_000;

    private final int[][][] scratch;
    private final Thread[] threads;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger busy = new AtomicInteger();
    private Kernel kernel;
    private volatile int round;
    private volatile boolean closed;
    private volatile Throwable failure;

    /** @param scratch rows of memory for each thread, and as many threads, the caller among them */
    Workers(int[][][] scratch) {
        this.scratch = scratch;
        threads = new Thread[scratch.length - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i;
            threads[i] = new Thread(() -> work(worker), "cspine-edge builtin " + (i + 1));
            threads[i].setDaemon(true);
            threads[i].start();
        }
    }

    int count() {
        return scratch.length;
    }

    /**
     * Computes all parts of a kernel.
     *
     * @throws IllegalStateException if it is closed, or a part failed on another thread
     */
    void run(Kernel work) {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
        int parts = work.parts();
        if (parts == 1 || threads.length == 0) {
            for (int part = 0; part < parts; part++) {
                work.run(part, scratch[0]);
            }
            return;
        }
        kernel = work;
        next.set(0);
        busy.set(threads.length);
        round++;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        share(work, scratch[0]);
        for (int turn = 0; busy.get() > 0; turn++) {
            if (turn > TURNS) {
                Thread.yield();
            }
        }
        if (failure != null) {
            throw new IllegalStateException("a worker failed", failure);
        }
    }

    private void work(int worker) {
        int done = 0;
        while (true) {
            for (int turn = 0; round == done && !closed; turn++) {
                if (turn > TURNS) {
                    LockSupport.park(this);
                }
            }
            if (closed) {
                return;
            }
            done++;
            try {
                share(kernel, scratch[worker + 1]);
            } catch (RuntimeException | Error error) {
                failure = error;
            } finally {
                busy.decrementAndGet();
            }
        }
    }

    private void share(Kernel work, int[][] rows) {
        int parts = work.parts();
        for (int part = next.getAndIncrement(); part < parts; part = next.getAndIncrement()) {
            work.run(part, rows);
        }
    }

    /** Ends the threads. */
    void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
    }
}
