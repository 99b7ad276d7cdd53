package org.xenolith.core.backend;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Has the devices of a paused domain stand by, all or none.
 *
 * @param applyPosted does what the domain's vCPUs cannot do meanwhile
 * @param hasEnded whether the domain has
 */
record StandingBy(List<AttachedDevice> devices, Runnable applyPosted, BooleanSupplier hasEnded) {
    /** As {@link VirtualDevices#standBy}. */
    void await(Duration patience) throws IOException {
        for (AttachedDevice one : devices) {
            if (!one.isSteady()) {
                throw new IOException("The device " + one.device() + " is being detached");
            }
        }
        boolean quiet = false;
        try {
            quiet = isQuietWithin(patience);
        } finally {
            if (!quiet) {
                devices.forEach(AttachedDevice::resume);
            }
        }
        if (!quiet) {
            throw new IOException("A disk has not answered all that it was asked");
        }
    }

    private boolean isQuietWithin(Duration patience) throws IOException {
        CompletableFuture<Void> quiet =
                CompletableFuture.allOf(
                        devices.stream()
                                .map(AttachedDevice::standBy)
                                .toArray(CompletableFuture[]::new));
        long deadline = System.nanoTime() + patience.toNanos();
        while (!isDone(quiet)) {
            applyPosted.run();
            if (System.nanoTime() - deadline > 0 || hasEnded.getAsBoolean()) {
                return false;
            }
        }
        return true;
    }

    /** Waits for a moment: answers of disks are posted to the domain, and nobody else is told. */
    private static boolean isDone(CompletableFuture<Void> quiet) throws IOException {
        try {
            quiet.get(1, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted");
        } catch (ExecutionException e) {
            throw new IllegalStateException("to stand by does not fail", e);
        }
    }
}
