package org.xenolith.core.image.debian;

import org.xenolith.core.image.Initramfs;
import org.xenolith.guests.GuestFiles;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The initial RAM disk of the Debian guest: BusyBox, its links, an /init, a few modules. */
final class DebianInitramfs implements InitramfsRecipe {
    /** Disk, network, and what programs need to talk to Xen themselves. */
    private static final List<String> MODULES =
            List.of("xen-blkfront", "xen-netfront", "xenfs", "xen-evtchn", "xen-gntdev");

    private static final String INIT = "init", RUN = "run-and-poweroff";

    /** Raise it when anything but the scripts changes, so that cached archives are remade. */
    private static final int FORMAT = 3;

    @Override
    public String version() throws IOException {
        return InitramfsRecipe.digest(
                FORMAT, List.of(script(INIT), script(RUN), GuestFiles.memoryAgent()));
    }

    @Override
    public List<String> modules() {
        return MODULES;
    }

    @Override
    public String commandLine() {
        return DebianImage.COMMAND_LINE;
    }

    private static byte[] script(String name) throws IOException {
        try (InputStream script = DebianInitramfs.class.getResourceAsStream(name)) {
            return script.readAllBytes();
        }
    }

    @Override
    public Initramfs build(Path busybox, KernelModules modules) throws IOException {
        Initramfs initramfs = new Initramfs();
        for (String directory : List.of("dev", "proc", "sys", "run", "root", "mnt", "var/log")) {
            initramfs.directory(directory);
        }
        initramfs.directory("tmp", 01777);
        // The kernel opens these before /init can mount a devtmpfs.
        initramfs.characterDevice("dev/console", 0600, 5, 1);
        initramfs.characterDevice("dev/null", 0666, 1, 3);
        initramfs.file("init", 0755, script(INIT));
        initramfs.file("sbin/run-and-poweroff", 0755, script(RUN));
        initramfs.file("sbin/memory-agent", 0755, GuestFiles.memoryAgent());
        initramfs.file("bin/busybox", 0755, Files.readAllBytes(busybox));
        initramfs.symlink("bin/sh", "busybox");
        for (String applet : applets(busybox)) {
            if (!applet.equals("bin/busybox") && !applet.equals("linuxrc")) {
                initramfs.symlink(applet, "/bin/busybox");
            }
        }
        initramfs.file("etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\n");
        initramfs.file("etc/group", 0644, "root:x:0:\n");
        initramfs.file("etc/hostname", 0644, "debian\n");
        initramfs.file("etc/hosts", 0644, "127.0.0.1 localhost debian\n");
        initramfs.file("etc/profile", 0644, "export HOME=/root PS1='\\u@\\h:\\w\\$ '\ncd\n");
        modules.addTo(initramfs);
        return initramfs;
    }

    /**
     * Asks BusyBox for the paths of its applets. Where the host cannot run it there are none, and
     * /init makes the links at each boot.
     */
    private static List<String> applets(Path busybox) throws IOException {
        try {
            Tool.Result result =
                    Tool.run(
                            busybox.getParent(),
                            List.of(busybox.toString(), "--list-full"),
                            line -> {});
            return result.succeeded() ? result.output() : List.of();
        } catch (IOException notForThisHost) {
            return List.of();
        }
    }
}
