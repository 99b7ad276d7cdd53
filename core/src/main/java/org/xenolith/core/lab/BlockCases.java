package org.xenolith.core.lab;

import org.xenolith.core.lab.BlockFrontend.Segment;
import org.xenolith.core.lab.JavaLab.JavaCase;

import java.util.Arrays;
import java.util.List;

/** What lab 7 tries with a student's backend. */
final class BlockCases {
    private static final int PAGE = 4096;
    private static final int GREF = 8;
    private static final int ROUNDS = 100;
    private static final int FAR = 1000;

    private BlockCases() {}

    static List<JavaCase<BlockBackend>> all() {
        return List.of(
                new JavaCase<>("one read and one write", BlockCases::readAndWrite),
                new JavaCase<>("several requests at once", BlockCases::several),
                new JavaCase<>("a hundred requests, round the ring", BlockCases::round),
                new JavaCase<>("events that nobody needs", BlockCases::quiet),
                new JavaCase<>("a request that comes meanwhile", BlockCases::meanwhile),
                new JavaCase<>("requests that cannot be done", BlockCases::impossible),
                new JavaCase<>("a full ring", BlockCases::full),
                new JavaCase<>(
                        "a frontend that lies",
                        work -> lies(work, Blkif.RING_SIZE + 1, "33 ahead")),
                new JavaCase<>(
                        "a frontend that takes a request back", work -> lies(work, -1, "1 behind")),
                new JavaCase<>(
                        "a frontend that lies without measure",
                        work -> lies(work, Integer.MIN_VALUE, "2^31 ahead")),
                new JavaCase<>("a frontend that rewrites its request", BlockCases::rewrites));
    }

    private static LabVerdict failed(String text, Object... arguments) {
        return LabVerdict.failed(text.formatted(arguments));
    }

    private static Segment sectors(int first, int last) {
        return new Segment(GREF, first, last);
    }

    private static LabVerdict readAndWrite(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        byte[] page = new byte[PAGE];
        guest.granted.put(GREF, page);
        guest.request(Blkif.READ, 77, 5, sectors(2, 3)).send();
        if (guest.answered() != 1) {
            return failed(
                    "A request was published and an event sent; RSP_PROD is %d afterwards. Each"
                        + " request gets a response, in the slot of the request, and RSP_PROD says"
                        + " how many there are.",
                    guest.answered());
        }
        if (guest.answerId(0) != 77 || guest.answerStatus(0) != Blkif.OKAY) {
            return failed(
                    "Request 77 was answered by id %d and status %d. The frontend finds its request"
                            + " by the id, and 0 means that it was done.",
                    guest.answerId(0), guest.answerStatus(0));
        }
        if (page[2 * 512] != 6 || page[4 * 512 - 1] != 7 || page[0] != 0) {
            return failed(
                    "Sectors 5 and 6 were to be read to sectors 2 and 3 of a page; the page is not"
                            + " as it should be. FIRST_SECTOR and LAST_SECTOR are places in the"
                            + " page, SECTOR_NUMBER is one on the disk.");
        }
        Arrays.fill(page, (byte) 0x5a);
        guest.request(Blkif.WRITE, 78, 60, sectors(0, 0), sectors(1, 2)).send();
        if (guest.disk[60 * 512] != 0x5a || guest.disk[63 * 512 - 1] != 0x5a) {
            return failed(
                    "Two segments, of one sector and of two, were to be written from sector 60 on;"
                        + " the disk is not as it should be. Each segment goes where the one before"
                        + " it ended.");
        }
        return guest.disk[63 * 512] == 64 && guest.answered() == 2
                ? LabVerdict.PASSED
                : failed("More was written than the request said, or it was not answered.");
    }

    private static LabVerdict several(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        for (int i = 0; i < 5; i++) {
            guest.request(Blkif.READ, 100 + i, i, sectors(0, 0));
        }
        guest.send();
        if (guest.answered() != 5) {
            return failed(
                    "Five requests were published with one event; %d were answered. An event says"
                            + " that there is work, never how much.",
                    guest.answered());
        }
        for (int i = 0; i < 5; i++) {
            if (guest.answerId(i) != 100 + i) {
                return failed("Response %d has id %d.", i, guest.answerId(i));
            }
        }
        return guest.notifications == 0
                ? failed("Five responses, and the frontend was not notified: it sleeps.")
                : LabVerdict.PASSED;
    }

    private static LabVerdict round(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        for (int i = 0; i < ROUNDS; i++) {
            guest.putInt(Blkif.RSP_EVENT, i + 1);
            guest.request(Blkif.READ, 1000 + i, i % BlockFrontend.SECTORS, sectors(0, 0)).send();
            if (guest.answered() != i + 1 || guest.answerId(i) != 1000 + i) {
                return failed(
                        "Request number %d, of a hundred that came one by one, was not answered in"
                            + " its slot: there is response number %d with id %d. The ring has %d"
                            + " slots; indices run on and on, and only their remainder chooses a"
                            + " slot.",
                        i, guest.answered(), guest.answerId(i), Blkif.RING_SIZE);
            }
            if (guest.notifications != i + 1) {
                return failed(
                        "After %d requests one by one the frontend has got %d events; it wanted one"
                            + " for each response: RSP_EVENT was %d and RSP_PROD went from %d to"
                            + " %d.",
                        i + 1, guest.notifications, i + 1, i, i + 1);
            }
        }
        return LabVerdict.PASSED;
    }

    private static LabVerdict quiet(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        guest.putInt(Blkif.RSP_EVENT, FAR);
        guest.request(Blkif.READ, 1, 0, sectors(0, 0)).send();
        if (guest.notifications != 0) {
            return failed(
                    "RSP_EVENT was %d: the frontend does not want to be woken before RSP_PROD gets"
                            + " there, and it was. An event for each response costs more than the"
                            + " disk.",
                    FAR);
        }
        guest.putInt(Blkif.RSP_EVENT, 3);
        guest.request(Blkif.READ, 2, 0, sectors(0, 0));
        guest.request(Blkif.READ, 3, 0, sectors(0, 0));
        guest.request(Blkif.READ, 4, 0, sectors(0, 0)).send();
        if (guest.notifications == 0) {
            return failed(
                    "RSP_EVENT was 3 and RSP_PROD went from 1 to 4, past it: the frontend wanted an"
                            + " event and got none.");
        }
        int before = guest.notifications;
        guest.kick();
        return guest.notifications == before
                ? LabVerdict.PASSED
                : failed(
                        "An event came with no request in the ring, and the frontend was notified:"
                                + " of what? Two such sides keep each other busy for ever.");
    }

    private static LabVerdict meanwhile(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        // The guest publishes another one, and looks whether the backend wants to be told.
        boolean[] wanted = new boolean[1];
        guest.duringTransfer =
                () -> {
                    guest.request(Blkif.READ, 2, 1, sectors(0, 0)).publish();
                    wanted[0] = guest.getInt(Blkif.REQ_EVENT) == 2;
                };
        guest.request(Blkif.READ, 1, 0, sectors(0, 0)).send();
        if (wanted[0] && guest.answered() == 1) {
            guest.kick();
        }
        if (guest.answered() != 2) {
            return failed(
                    "A second request was published while the first was in work. You had not asked"
                        + " for an event for it in REQ_EVENT, and did not look for it either: it"
                        + " lies in the ring until something else happens. Look again before you"
                        + " return.");
        }
        if (guest.getInt(Blkif.REQ_EVENT) != 3) {
            return failed(
                    "Two requests are done, and REQ_EVENT is %d. It has to be 3, the number of the"
                            + " next one: otherwise the frontend will not send an event for it.",
                    guest.getInt(Blkif.REQ_EVENT));
        }
        return LabVerdict.PASSED;
    }

    private static LabVerdict impossible(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        Segment[] many = new Segment[Blkif.MAX_SEGMENTS + 1];
        Arrays.fill(many, sectors(0, 0));
        guest.request(9, 1, 0, sectors(0, 0))
                .request(Blkif.READ, 2, 0, many)
                .request(Blkif.READ, 3, BlockFrontend.SECTORS - 1, sectors(0, 1))
                .request(Blkif.WRITE, 4, -1, sectors(0, 0))
                .request(Blkif.WRITE, 5, Long.MAX_VALUE, sectors(0, 0))
                .request(Blkif.READ, 6, 0, sectors(5, 4))
                .request(Blkif.READ, 7, 0, sectors(0, 8))
                .request(Blkif.READ, 8, 0, new Segment(GREF + 1, 0, 0))
                .request(Blkif.READ, 9, 0, sectors(0, 0))
                .send();
        String[] what = {
            "operation 9, which does not exist",
            "12 segments, one too many",
            "the last sector and one behind it",
            "sector -1",
            "sector 2^63 - 1",
            "a segment that ends before it begins",
            "sector 8 of a page, which has 0 to 7",
            "a page that was not granted",
            "nothing unusual, behind eight bad requests"
        };
        for (int i = 0; i < what.length; i++) {
            int expected =
                    i == 0 ? Blkif.EOPNOTSUPP : i == what.length - 1 ? Blkif.OKAY : Blkif.ERROR;
            if (guest.answered() <= i || guest.answerStatus(i) != expected) {
                return failed(
                        "A request for %s must be answered with status %d; it got %s. One bad"
                                + " request is no reason to stop: the ring goes on.",
                        what[i],
                        expected,
                        guest.answered() <= i ? "no answer" : "" + guest.answerStatus(i));
            }
        }
        return guest.closed == null
                ? LabVerdict.PASSED
                : failed("Requests that cannot be done were answered by closing the device.");
    }

    private static LabVerdict full(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        for (int i = 0; i < Blkif.RING_SIZE; i++) {
            guest.request(Blkif.READ, 100 + i, i, sectors(0, 0));
        }
        guest.send();
        return guest.answered() == Blkif.RING_SIZE && guest.closed == null
                ? LabVerdict.PASSED
                : failed(
                        "%d requests were published at once, as many as there are slots; %d were"
                                + " answered. A full ring is no lie.",
                        Blkif.RING_SIZE, guest.answered());
    }

    /**
     * A frontend that publishes what cannot be, after a first request that was taken.
     *
     * @param ahead of what was taken
     */
    private static LabVerdict lies(BlockBackend work, int ahead, String inWords) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        guest.request(Blkif.READ, 1, 0, sectors(0, 0)).send();
        guest.putInt(Blkif.REQ_PROD, 1 + ahead);
        try {
            guest.kick();
        } catch (StudentClass.Threw thrown) {
            if (!guest.endless) {
                throw thrown;
            }
        }
        if (guest.closed == null) {
            return failed(
                    "REQ_PROD was %s of what you had taken, in a ring of %d slots: the frontend"
                            + " lies, or is broken, and you did not close it%s. What is ahead is a"
                            + " number from 0 to %d; any other would keep you busy for minutes.",
                    inWords,
                    Blkif.RING_SIZE,
                    guest.endless ? " but served requests that nobody had made" : "",
                    Blkif.RING_SIZE);
        }
        return guest.answered() == 1
                ? LabVerdict.PASSED
                : failed("You closed the frontend, but only after you had served what it made up.");
    }

    /** A field of a request, or of its first segment, that the guest rewrites. */
    private record Rewritten(String name, int offset, byte[] value) {
        static Rewritten ofByte(String name, int offset, int value) {
            return new Rewritten(name, offset, new byte[] {(byte) value});
        }

        static Rewritten of(String name, int offset, int bytes, long value) {
            byte[] littleEndian = new byte[bytes];
            for (int i = 0; i < bytes; i++) {
                littleEndian[i] = (byte) (value >>> 8 * i);
            }
            return new Rewritten(name, offset, littleEndian);
        }
    }

    private static final List<Rewritten> REWRITTEN =
            List.of(
                    Rewritten.ofByte("NR_SEGMENTS", Blkif.NR_SEGMENTS, Blkif.MAX_SEGMENTS),
                    Rewritten.ofByte("OPERATION", Blkif.OPERATION, Blkif.WRITE),
                    Rewritten.of("ID", Blkif.ID, Long.BYTES, 99),
                    Rewritten.of("SECTOR_NUMBER", Blkif.SECTOR_NUMBER, Long.BYTES, 40),
                    Rewritten.of("GREF", Blkif.SEGMENTS + Blkif.GREF, Integer.BYTES, GREF + 1),
                    Rewritten.ofByte("FIRST_SECTOR", Blkif.SEGMENTS + Blkif.FIRST_SECTOR, 1),
                    Rewritten.ofByte("LAST_SECTOR", Blkif.SEGMENTS + Blkif.LAST_SECTOR, 200));

    private static LabVerdict rewrites(BlockBackend work) {
        BlockFrontend guest = new BlockFrontend(work);
        guest.granted.put(GREF, new byte[PAGE]);
        for (int i = 0; i < REWRITTEN.size(); i++) {
            Rewritten field = REWRITTEN.get(i);
            guest.transfers.clear();
            guest.flicker(guest.nextSlot() + field.offset, field.value);
            guest.request(Blkif.READ, 10 + i, 3, sectors(0, 3), sectors(4, 4));
            boolean right;
            try {
                guest.send();
                right =
                        guest.answered() == i + 1
                                && guest.answerId(i) == 10 + i
                                && guest.answerStatus(i) == Blkif.OKAY
                                && guest.transfers.equals(List.of("r3+4", "r7+1"));
            } catch (StudentClass.Threw thrown) {
                right = false;
            }
            if (!right) {
                return failed(
                        "%s was one thing when you read it first and another one afterwards: the"
                            + " guest rewrote it between your check and your use, and got what it"
                            + " may not have, or what it did not ask for. Read each field once,"
                            + " into a variable, and check and use the variable.",
                        field.name);
            }
        }
        return LabVerdict.PASSED;
    }
}
