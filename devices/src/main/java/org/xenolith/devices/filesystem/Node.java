package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/** A file, directory or symbolic link of a file system. */
interface Node {
    enum Kind {
        FILE,
        DIRECTORY,
        SYMLINK,
        /** Device, FIFO, socket. */
        OTHER
    }

    /** A node that is named in a directory and was not looked at yet. */
    interface Reference {
        Node node() throws IOException;
    }

    Kind kind();

    long sizeBytes();

    /**
     * @param offset the range lies within the size
     */
    void read(long offset, ByteBuffer into) throws IOException;

    /** Of a directory, by name, without "." and "..". */
    Map<String, Reference> children() throws IOException;
}
