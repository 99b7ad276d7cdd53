package org.xenolith.core.cli;

import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.ShareSpec;
import org.xenolith.core.disk.DirectoryDisk;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Disks, network interfaces, ports and shared folders that a command line gives to a guest. */
final class DeviceOptions {
    private static final String DEFAULT_NETWORK = "nat";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = {"-d", "--disk", "--drive"},
            paramLabel = "DISK",
            description =
                    "A disk, the first is xvda: FILE[,ro][,ephemeral][,overlay=FILE], or as xl and"
                            + " QEMU write it; DIR is a disk with a copy of that directory, which"
                            + " is forgotten in the end. May be given several times.")
    private List<String> disks = List.of();

    @Option(
            names = "--ephemeral",
            description = "What the guest writes to its disks is forgotten when it ends.")
    private boolean ephemeral;

    @Option(
            names = "--net",
            paramLabel = "NETWORK",
            description =
                    "A network interface: nat (no rights needed), none (other guests only),"
                            + " tap:NAME, udp:LOCAL,REMOTE, stream:connect=HOST:PORT; with ,mac="
                            + " ,mac-check=off ,devid= ,pcap= ,delay= ,loss= ,rate=, nat with"
                            + " ,ipv6=off. Default: nat if there is a disk or -p: by DHCP the guest"
                            + " gets 10.0.2.15, gateway 10.0.2.2, name server 10.0.2.3.")
    private List<String> networks = List.of();

    @Option(
            names = "--network",
            paramLabel = "ADDRESS/BITS",
            description =
                    "The addresses of nat, for who needs 10.0.2.0/24 otherwise: 10.64.0.0/16, from"
                            + " /16 to /29. The guest gets .15, from /28 on .4; gateway .2, name"
                            + " server .3.")
    private String natNetwork;

    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[ADDR:]PORT:PORT[/udp]",
            description =
                    "A port of this host that leads to a port of the guest: 8080:80,"
                            + " [::1]:8080:80.")
    private List<String> forwards = List.of();

    @Option(
            names = "--share",
            paramLabel = "TAG=DIR[,ro]",
            description =
                    "A folder of this host that the guest may use: mount -t 9p -o"
                            + " trans=xen,version=9p2000.L TAG /mnt. Its kernel needs"
                            + " CONFIG_NET_9P_XEN. May be given several times.")
    private List<String> shares = List.of();

    /**
     * What the command line lists, directories still among the disks; checked before anything is
     * fetched or unpacked.
     *
     * @throws ParameterException if something of it cannot be read or is not there
     */
    GuestDevices written() {
        try {
            List<DiskSpec> all = new ArrayList<>();
            for (String written : disks) {
                DiskSpec disk = DiskSpec.parse(written);
                if (!Files.isDirectory(disk.file())) {
                    NamedFile.existing(spec, "disk", disk.file());
                }
                disk.device().ifPresent(DiskName::parse); // which says what is wrong with it
                all.add(disk);
            }
            return new GuestDevices(
                    all,
                    networks.stream().map(NetworkSpec::parse).toList(),
                    forwards.stream().map(PortForward::parse).toList(),
                    sharesWritten());
        } catch (ConfigException | IllegalArgumentException e) {
            throw NamedFile.usage(spec, e.getMessage() + ".");
        }
    }

    private List<ShareSpec> sharesWritten() throws ConfigException {
        List<ShareSpec> all = new ArrayList<>();
        for (String written : shares) {
            ShareSpec share = ShareSpec.parse(written);
            if (!Files.isDirectory(share.folder())) {
                throw new ConfigException(
                        "The folder %s to share %s"
                                .formatted(
                                        share.folder(),
                                        Files.exists(share.folder())
                                                ? "is none"
                                                : "does not exist"));
            }
            if (all.stream().anyMatch(other -> other.tag().equals(share.tag()))) {
                throw new ConfigException("Two shares have the tag " + share.tag());
            }
            all.add(share);
        }
        return all;
    }

    /**
     * The addresses of guests on the network 'nat'.
     *
     * @throws ParameterException if it is no network that they can have
     */
    Subnet natNetwork() {
        return natNetwork == null ? Subnet.STANDARD : NatNetwork.parse(spec, natNetwork);
    }

    /**
     * The devices of a guest that only the command line describes.
     *
     * @param written of {@link #written()}
     * @param own the disk that its system lies on, which comes first
     */
    GuestDevices devices(GuestDevices written, Optional<DiskSpec> own) throws IOException {
        List<DiskSpec> all = imagesOf(written.disks());
        own.ifPresent(all::addFirst);
        forgetIfAsked(all);
        boolean isOnNat =
                written.networks().isEmpty() && !(all.isEmpty() && written.forwards().isEmpty());
        return new GuestDevices(
                all,
                isOnNat ? List.of(NetworkSpec.parse(DEFAULT_NETWORK)) : written.networks(),
                written.forwards(),
                written.shares());
    }

    /** The devices that a file describes, then those of the command line. */
    GuestDevices behind(GuestDevices described) throws IOException {
        GuestDevices written = written();
        List<DiskSpec> all = imagesOf(described.disks());
        all.addAll(imagesOf(written.disks()));
        forgetIfAsked(all);
        List<NetworkSpec> places = new ArrayList<>(described.networks());
        places.addAll(written.networks());
        List<PortForward> ports = new ArrayList<>(described.forwards());
        ports.addAll(written.forwards());
        List<ShareSpec> folders = new ArrayList<>(described.shares());
        folders.addAll(written.shares());
        return new GuestDevices(all, places, ports, folders);
    }

    private void forgetIfAsked(List<DiskSpec> all) {
        if (ephemeral) {
            all.replaceAll(DiskSpec::asEphemeral);
        }
    }

    /** Puts an image in the place of each directory. */
    private static List<DiskSpec> imagesOf(List<DiskSpec> disks) throws IOException {
        List<DiskSpec> all = new ArrayList<>();
        for (DiskSpec disk : disks) {
            all.add(Files.isDirectory(disk.file()) ? DirectoryDisk.imageOf(disk) : disk);
        }
        return all;
    }
}
