package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Random;

class NodeFinderTest {
    private static final List<String> PATHS =
            List.of("/", "/a", "/a/b", "/a/b/c", "/a/bc", "/a-", "/ab", "/a/b/c/d", "/x", "/x/a");

    private final Tree tree = Tree.empty(new Random(1)::nextLong);

    private void put(String... paths) {
        for (String path : paths) {
            tree.put(new StorePath(path), path.getBytes(), Permissions.of("n0"));
        }
    }

    /** What the finder finds at each path: a node's value is its path. */
    @Test
    void whereTheLastSearchEndedDoesNotMatter() {
        put("/", "/a", "/a/b", "/a/b/c", "/a-", "/x");
        for (String first : PATHS) {
            for (String second : PATHS) {
                NodeFinder finder = new NodeFinder(tree.root());
                finder.find(new StorePath(first));
                Node found = finder.find(new StorePath(second));
                boolean exists = !List.of("/a/bc", "/ab", "/a/b/c/d", "/x/a").contains(second);
                assertThat(found == null ? null : new String(found.value()))
                        .as("%s after %s", second, first)
                        .isEqualTo(exists ? second : null);
            }
        }
    }
}
