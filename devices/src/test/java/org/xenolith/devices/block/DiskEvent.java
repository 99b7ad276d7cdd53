package org.xenolith.devices.block;

/** Something that happened to a recorded disk, or to the file that the disk is kept in. */
sealed interface DiskEvent {
    // What the image format did to its file.

    record FileWritten(long offset, byte[] bytes) implements DiskEvent {}

    record FilePunched(long offset, long lengthBytes) implements DiskEvent {}

    record FileSynced() implements DiskEvent {}

    // What the guest asked of its disk, and was told to be done.

    record WriteBegun(SectorWrite write) implements DiskEvent {}

    record WriteDone(SectorWrite write) implements DiskEvent {}

    /**
     * @param begun number of the event before which the guest asked for it
     */
    record FlushDone(int begun) implements DiskEvent {}

    /** What somebody who watches the guest saw. */
    record Noted(String text) implements DiskEvent {}
}
