package org.xenolith.core.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** All labs, by their numbers. */
public final class Labs {
    private static final List<Lab> ALL =
            List.of(
                    new GuestLab(
                            1,
                            "What is a virtual machine?",
                            "whoami.c",
                            "Your describe does not come to an end.",
                            "Your describe touched memory that is not there, or did something else"
                                    + " that a processor refuses.",
                            List.of(
                                    machine("one processor, 8 MiB", 8, 1, 4, 17),
                                    machine("three processors, 12 MiB", 12, 3, 4, 11),
                                    machine("two processors, 31 MiB", 31, 2, 5, 2))),
                    new GuestLab(
                            2,
                            "Trap and emulate",
                            "emulate.c",
                            "Your emulate does not come to an end.",
                            "The program did not go on where it should have: a trap came that the"
                                    + " four instructions do not cause. Does RIP point behind the"
                                    + " instruction that you did, or in the middle of it?",
                            List.of(
                                    GuestCase.of("writing to ports", "case=0"),
                                    GuestCase.of("one instruction behind the other", "case=1"),
                                    GuestCase.of("reading from ports", "case=2"),
                                    GuestCase.of("instructions of another kind", "case=3"))),
                    new HypercallLab(
                            3,
                            "Hypercalls",
                            "SumHypercall.java",
                            List.of(
                                    GuestCase.of("sums", "case=0"),
                                    GuestCase.of("more than is allowed", "case=1"),
                                    GuestCase.of("pointers to nowhere", "case=2"),
                                    GuestCase.of("a result in a page table", "case=3"),
                                    GuestCase.of("a result among the numbers", "case=4"))),
                    new GuestLab(
                            4,
                            "Direct paging",
                            "map.c",
                            "Your map_page does not come to an end.",
                            "Your map_page touched memory that is not there. A table's entry holds"
                                    + " a machine frame; virt_of tells where you see that frame.",
                            List.of(
                                    GuestCase.of("a page where there was none", "case=0"),
                                    GuestCase.of("two pages side by side", "case=1"),
                                    GuestCase.of("pages far apart", "case=2"),
                                    GuestCase.of("another page in the same place", "case=3"),
                                    GuestCase.of("frames that may not be mapped", "case=4"))),
                    new GuestLab(
                            5,
                            "Events",
                            "events.c",
                            "Your handler does not come to an end: it looks at the same bits again"
                                    + " and again.",
                            "Your handler touched memory that is not there.",
                            List.of(
                                    GuestCase.of("two ports in the first word", "case=0"),
                                    GuestCase.of("ports in all words", "case=1"),
                                    GuestCase.of("a masked port", "case=2"),
                                    GuestCase.of("an event that comes meanwhile", "case=3"),
                                    GuestCase.of("events at the worst moment", "case=5"),
                                    GuestCase.of("events of a real guest", "case=4"))),
                    new GuestLab(
                            6,
                            "Grants",
                            "share.c",
                            "Your unshare_page does not come to an end: if a word is not what it"
                                    + " was when you looked, look again.",
                            "Your code touched memory that is not there.",
                            List.of(
                                    GuestCase.of("a page for another domain", "case=0"),
                                    GuestCase.of("a page for reading", "case=1"),
                                    GuestCase.of("a page for somebody else", "case=2"),
                                    GuestCase.of("taking back what is in use", "case=3"),
                                    GuestCase.of("taking back from a reader", "case=4"),
                                    GuestCase.of(
                                            "taking back what is mapped meanwhile", "case=5"))),
                    new JavaLab<>(
                            7,
                            "Split drivers",
                            "DiskBackend.java",
                            BlockBackend.class,
                            BlockCases.all()),
                    new GuestLab(
                            8,
                            "Ballooning",
                            "balloon.c",
                            "Your balloon_to does not come to an end. Xen may refuse: then there is"
                                    + " no use in asking again.",
                            "Your balloon_to touched a page that has no frame any more.",
                            List.of(
                                    GuestCase.of("shrinking", "case=0"),
                                    GuestCase.of("staying as it is", "case=1"),
                                    GuestCase.of("growing again", "case=2"),
                                    GuestCase.of("more than there is", "case=3"))),
                    new JavaLab<>(
                            9,
                            "Scheduling and fairness",
                            "FairScheduler.java",
                            VcpuScheduler.class,
                            SchedulerCases.all()),
                    new GuestLab(
                            10,
                            "Snapshots",
                            "resume.c",
                            "Your kernel waits for an event that does not come any more, or does"
                                    + " not come to an end.",
                            "Your kernel touched memory that is not there.",
                            List.of(
                                    GuestCase.of("resumed as a new domain", "times=1")
                                            .through(Suspension::resumed),
                                    GuestCase.of("a suspend that is cancelled", "times=1"),
                                    GuestCase.of("saved, and restored under another number", "")
                                            .through(Suspension::restored),
                                    GuestCase.of("resumed three times", "times=3")
                                            .through(Suspension::resumed))));

    private Labs() {}

    /** The kernel of lab 1 makes its machine one of another version of Xen. */
    private static GuestCase machine(String name, int mebibytes, int vcpus, int major, int minor) {
        String line =
                "pages=%d vcpus=%d major=%d minor=%d"
                        .formatted(mebibytes << 8, vcpus, major, minor);
        return GuestCase.of(name, line).in(mebibytes, vcpus);
    }

    public static List<Lab> all() {
        return ALL;
    }

    public static Optional<Lab> number(int number) {
        return ALL.stream().filter(lab -> lab.number() == number).findFirst();
    }

    /**
     * Writes the files that the student of a lab starts from.
     *
     * @param folder is made if it is not there
     * @return the file to be written
     * @throws LabFailed if that is there already
     */
    public static Path start(Lab lab, Path folder) throws IOException {
        return new LabFiles(lab).start(folder);
    }
}
