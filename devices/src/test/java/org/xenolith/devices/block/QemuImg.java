package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

/** QEMU's own tool, the judge of the images that we write. */
final class QemuImg {
    static final HostTool TOOL = new HostTool("qemu-img", "qemu-utils");

    /** Status of a check that found nothing but leaks. */
    private static final int ONLY_LEAKS = 3;

    private QemuImg() {}

    /** No errors, no leaks. */
    static void assertClean(Path qcow2) {
        TOOL.run("check", "-q", "-f", "qcow2", qcow2);
    }

    /** No errors; clusters may be counted and not used. */
    static void assertAtWorstLeaks(Path qcow2) {
        HostTool.Result result = TOOL.tryRun("check", "-f", "qcow2", qcow2);
        assertThat(result.status()).as(result.output()).isIn(0, ONLY_LEAKS);
    }

    static void assertEqual(Path image, String format, Path raw) {
        TOOL.run("compare", "-f", format, "-F", "raw", image, raw);
    }
}
