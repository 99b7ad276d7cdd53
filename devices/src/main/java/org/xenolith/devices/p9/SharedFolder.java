package org.xenolith.devices.p9;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A folder of the host that clients may use. It is held from the start: what is later put under its
 * path is another one. Thread-safe.
 */
public final class SharedFolder implements AutoCloseable {
    private final HostFile root;
    private final boolean readOnly;
    private final Owners owners;

    SharedFolder(HostFile root, boolean readOnly, Owners owners) {
        this.root = root;
        this.readOnly = readOnly;
        this.owners = owners;
    }

    /**
     * @param path of a folder, links in it are followed
     * @param readOnly whether whatever would change it is refused
     * @throws IOException when there is no such folder, or folders cannot be shared here, with a
     *     sentence
     */
    public static SharedFolder open(Path path, boolean readOnly) throws IOException {
        byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        try {
            HostFile root = HostFile.atPath(Arrays.copyOf(bytes, bytes.length + 1));
            return new SharedFolder(root, readOnly, Owners.ofThisProcess());
        } catch (LinkageError e) {
            throw new IOException(
                    "Cannot share the folder %s: the host's C library is too old: %s"
                            .formatted(path, e.getMessage()),
                    e);
        } catch (LastErrorException e) {
            throw new IOException(
                    HostCallFailed.of("Cannot share the folder " + path, e).getMessage(), e);
        }
    }

    public boolean isReadOnly() {
        return readOnly;
    }

    Owners owners() {
        return owners;
    }

    /** The folder under a descriptor of the caller's own. */
    synchronized HostFile root() {
        return root.again();
    }

    /** No client uses it any more. */
    @Override
    public synchronized void close() {
        root.close();
    }
}
