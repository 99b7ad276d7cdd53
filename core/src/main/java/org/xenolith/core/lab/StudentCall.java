package org.xenolith.core.lab;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs a student's Java on a thread of its own, so that a loop without an end is the end of a case
 * and not of the check. Such a thread keeps running; it does not hold up the end of the process.
 */
final class StudentCall {
    /** Many times what any case needs. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private StudentCall() {}

    /** The code did not return in time; the message is for the student. */
    static final class Endless extends RuntimeException {
        private static final long serialVersionUID = 1;

        Endless() {
            super(
                    "Your code did not return. What calls it cannot go on before it does, and nor"
                            + " can anybody who waits for that.");
        }
    }

    /**
     * @return what the code returns
     * @throws Endless if it does not, or calls itself without an end
     * @throws RuntimeException or Error that the code throws
     */
    static <T> T within(Duration patience, Callable<T> code) throws Exception {
        FutureTask<T> task = new FutureTask<>(code);
        Thread.ofPlatform().daemon().name("student").start(task);
        try {
            return task.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            task.cancel(true);
            throw new Endless();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Exception exception -> throw exception;
                case StackOverflowError _ -> throw new Endless();
                case Error error -> throw error;
                case null, default -> throw e;
            }
        }
    }
}
