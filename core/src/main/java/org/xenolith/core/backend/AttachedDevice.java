package org.xenolith.core.backend;

import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;
import org.xenolith.pv.xenbus.XenbusState;

import java.util.concurrent.CompletableFuture;

/** A device of a domain. */
public final class AttachedDevice {
    private final XenbusBackend backend;
    private final CompletableFuture<Void> gone;

    AttachedDevice(XenbusBackend backend, CompletableFuture<Void> gone) {
        this.backend = backend;
        this.gone = gone;
    }

    public XenbusDevice device() {
        return backend.device();
    }

    /** State of the backend. */
    public XenbusState state() {
        return backend.state();
    }

    /**
     * Asks the guest to let go of the device, as {@code xl block-detach} does; a disk that is
     * mounted stays until it is not.
     *
     * @return {@link #gone}
     */
    public CompletableFuture<Void> detach() {
        backend.detach();
        return gone;
    }

    /**
     * Completes when the device is out of the store and what was behind it is closed; exceptionally
     * when closing failed.
     */
    public CompletableFuture<Void> gone() {
        return gone;
    }

    boolean isSteady() {
        return backend.isSteady();
    }

    CompletableFuture<Void> standBy() {
        return backend.standBy();
    }

    void resume() {
        backend.resume();
    }

    CompletableFuture<Void> abandon() {
        backend.abandon();
        return gone;
    }
}
