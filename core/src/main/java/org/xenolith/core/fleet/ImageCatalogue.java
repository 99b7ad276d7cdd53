package org.xenolith.core.fleet;

import java.io.IOException;
import java.util.Optional;

/** Guests that are known by a name. */
@FunctionalInterface
public interface ImageCatalogue {
    /**
     * Finds a guest's files, or makes them, which may take minutes.
     *
     * @return empty when no guest has that name
     */
    Optional<BootFiles> find(String name) throws IOException;
}
