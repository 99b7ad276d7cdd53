package org.xenolith.pv.xenbus;

import org.xenolith.pv.host.Store;

import java.util.Optional;

/** What a frontend wrote into its directory: text that may be anything. */
public final class FrontendKeys {
    private static final int LONGEST_NUMBER = 10;
    private static final long LARGEST_U32 = 0xffff_ffffL;

    private final Store store;
    private final String directory;

    public FrontendKeys(Store store, String directory) {
        this.store = store;
        this.directory = directory;
    }

    /** The keys of a subdirectory, such as {@code queue-0}. */
    public FrontendKeys in(String subdirectory) {
        return new FrontendKeys(store, directory + "/" + subdirectory);
    }

    public Optional<String> text(String key) {
        return store.read(directory + "/" + key);
    }

    public boolean has(String key) {
        return text(key).isPresent();
    }

    /**
     * An unsigned 32-bit number, as a grant reference or a port is.
     *
     * @throws FrontendRefused without the key, or when it holds anything else
     */
    public int number(String key) throws FrontendRefused {
        String text = text(key).orElseThrow(() -> new FrontendRefused("no key " + key));
        boolean digits =
                !text.isEmpty()
                        && text.length() <= LONGEST_NUMBER
                        && text.chars().allMatch(c -> c >= '0' && c <= '9');
        long value = digits ? Long.parseLong(text) : -1;
        if (value < 0 || value > LARGEST_U32) {
            throw new FrontendRefused("the key " + key + " is no number");
        }
        return (int) value;
    }

    /**
     * A number within bounds.
     *
     * @param missing what counts when there is no such key
     * @throws FrontendRefused when the key holds anything else
     */
    public int number(String key, int min, int max, int missing) throws FrontendRefused {
        if (!has(key)) {
            return missing;
        }
        int value = number(key);
        if (value < min || value > max) {
            throw new FrontendRefused(
                    "%s is %s, not %d to %d"
                            .formatted(key, Integer.toUnsignedString(value), min, max));
        }
        return value;
    }

    /** Whether a feature is on: its key is there and is not 0. */
    public boolean flag(String key) {
        return text(key).filter(value -> !value.equals("0")).isPresent();
    }

    /**
     * Calls back at once, and whenever the frontend may have changed a key.
     *
     * @param changed as {@link Store#watch} calls it
     */
    public Store.Watch watch(String key, Runnable changed) {
        return store.watch(directory + "/" + key, changed);
    }
}
