package org.xenolith.core.image.debian;

import java.util.Locale;

/** Hears how far the making of an image is; called on the thread that makes it. */
@FunctionalInterface
public interface Progress {
    /** For callers that show nothing. */
    Progress NONE = (step, fraction) -> {};

    /** What is being done, in this order; steps whose result is cached are not reported. */
    enum Step {
        UPDATE("Reading Debian's package lists"),
        DOWNLOAD("Downloading kernel and BusyBox"),
        UNPACK("Unpacking the packages"),
        BUILD("Building the initial RAM disk"),
        INSTALL("Installing Debian, Apache, MariaDB and PHP"),
        CONFIGURE("Setting up the site and its database"),
        DISK("Writing the disk image");

        private final String label;

        Step(String label) {
            this.label = label;
        }

        /** For people, without a full stop. */
        public String label() {
            return label;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The step has begun or moved on.
     *
     * @param fraction from 0 to 1; 1 is reported once, when the step is done
     */
    void at(Step step, double fraction);
}
