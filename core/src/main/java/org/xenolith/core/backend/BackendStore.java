package org.xenolith.core.backend;

import org.xenolith.core.xenstore.HostWatch;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.pv.host.Store;

import java.util.Map;
import java.util.Optional;

/** The host's xenstore as the backends see it. */
final class BackendStore implements Store {
    private final Xenstore xenstore;

    BackendStore(Xenstore xenstore) {
        this.xenstore = xenstore;
    }

    @Override
    public Optional<String> read(String path) {
        return xenstore.read(path);
    }

    @Override
    public void write(Map<String, String> values) {
        xenstore.update(access -> values.forEach(access::write));
    }

    @Override
    public Watch watch(String path, Runnable changed) {
        HostWatch watch = xenstore.watch(path, _ -> changed.run());
        return watch::close;
    }
}
