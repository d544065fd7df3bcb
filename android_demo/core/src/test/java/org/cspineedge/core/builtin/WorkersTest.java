package org.cspineedge.core.builtin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

class WorkersTest {
    private static Workers workers(int threads) {
        return new Workers(new int[threads][1][1]);
    }

    private static Kernel kernel(int parts, IntConsumer part) {
        return new Kernel() {
            @Override
            public int parts() {
                return parts;
            }

            @Override
            public void run(int which, int[][] scratch) {
                part.accept(which);
            }
        };
    }

    @Test
    void eachPartIsComputedOnceARun() {
        Workers workers = workers(3);
        AtomicIntegerArray count = new AtomicIntegerArray(50);
        int[] expected = new int[50];
        for (int run = 0; run < 2000; run++) {
            int parts = 1 + run % 50;
            workers.run(kernel(parts, count::incrementAndGet));
            for (int part = 0; part < parts; part++) {
                expected[part]++;
            }
        }
        int[] found = new int[50];
        Arrays.setAll(found, count::get);
        assertArrayEquals(expected, found);
        workers.close();
    }

    @Test
    void whatFailsOnAnyThreadIsThrown() {
        Workers workers = workers(2);
        Thread caller = Thread.currentThread();
        RuntimeException failure = new IllegalArgumentException("part");
        IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> {
            while (true) {
                workers.run(kernel(8, part -> {
                    if (Thread.currentThread() != caller) {
                        throw failure;
                    }
                }));
            }
        });
        assertSame(failure, thrown.getCause());
        workers.close();
    }

    @Test
    void threadsEndWhenItIsClosed() throws InterruptedException {
        Workers workers = workers(4);
        assertEquals(4, workers.count());
        workers.close();
        assertThrows(IllegalStateException.class, () -> workers.run(kernel(2, part -> {})));
        for (int turn = 0; turn < 1000 && alive() > 0; turn++) {
            Thread.sleep(5);
        }
        assertEquals(0, alive());
    }

    private static long alive() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("cspine-edge builtin"))
                .count();
    }
}
