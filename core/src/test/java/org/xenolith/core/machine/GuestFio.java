package org.xenolith.core.machine;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The host's fio for a Debian guest: /fio there runs it from a disk that has to be xvda. */
final class GuestFio {
    private static final String FIO = "/usr/bin/fio";
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+)\\s+\\(0x");

    private static final String FIO_IN_GUEST =
            """
            #!/bin/sh
            mountpoint -q /t || { mkdir -p /t && mount -t ext4 -o ro /dev/xvda /t; }
            exec /t/ld-linux-x86-64.so.2 --library-path /t /t/fio --thread "$@"
            """;

    private GuestFio() {}

    /** An ext4 with fio and all that it is linked with; skips the test where there is no fio. */
    static Path disk(Path folder) throws IOException, InterruptedException {
        HostTool.require("mke2fs", "ldd");
        HostTool.requireFile(FIO, "fio");
        Path content = Files.createDirectories(folder.resolve("tools"));
        Files.copy(Path.of(FIO), content.resolve("fio"));
        Matcher library = LIBRARY.matcher(HostTool.run("ldd", FIO));
        while (library.find()) {
            Path file = Path.of(library.group(1));
            Files.copy(file, content.resolve(file.getFileName()));
        }
        Path image = folder.resolve("tools.img");
        HostTool.run("mke2fs", "-q", "-t", "ext4", "-d", "" + content, "" + image, "192M");
        return image;
    }

    /** A guest that runs a script at its start, which finds /fio. */
    static BootOptions running(BootInput input, String script, Path folder) throws IOException {
        return options(input, new Initramfs().file("script", 0755, script), " run=/script", folder);
    }

    /** A guest that shows its shell, with a file beside /fio. */
    static BootOptions shell(BootInput input, String name, String script, Path folder)
            throws IOException {
        return options(input, new Initramfs().file(name, 0755, script), "", folder);
    }

    private static BootOptions options(
            BootInput input, Initramfs files, String arguments, Path folder) throws IOException {
        Path initrd = folder.resolve("initrd");
        files.file("fio", 0755, FIO_IN_GUEST).appendTo(input.initrd(), initrd);
        return BootFixture.options(
                input.kernel(),
                initrd,
                input.defaultCommandLine() + arguments,
                256 * BootFixture.MIB,
                2,
                false);
    }
}
