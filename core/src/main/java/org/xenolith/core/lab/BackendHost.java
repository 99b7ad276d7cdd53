package org.xenolith.core.lab;

/** What a backend can do with its disk and its frontend. */
public interface BackendHost {
    /** Sectors of the disk, of 512 bytes. */
    long sectors();

    /**
     * Copies sectors between the disk and a granted page.
     *
     * @param write from the page to the disk
     * @param sector first one on the disk; all of them must be on the disk
     * @param firstSector in the page, 0 to 7
     * @param lastSector in the page, from firstSector to 7
     * @return false if the frontend has not granted the page
     * @throws IllegalArgumentException if a number is out of its range: look before you call
     */
    boolean transfer(boolean write, long sector, int gref, int firstSector, int lastSector);

    /** Sends the frontend an event. */
    void notifyFrontend();

    /** Gives the frontend up: what it has written into the ring cannot be. */
    void close(String why);
}
