package org.xenolith.devices.p9;

import com.sun.jna.LastErrorException;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Serves one client of a {@link SharedFolder}, one request at a time: a request that comes later
 * finds what earlier ones have done, and there is never one under way to be given up. Calls block
 * as long as the host's file system does. Thread-safe.
 */
public final class P9Server implements AutoCloseable {
    private final SharedFolder folder;
    private final DescriptorBudget budget;
    private final int maxMsize;

    // Guarded by this object.
    private int msize;
    private Session session;
    private FileRequests files;
    private AttributeRequests attributes;
    private NameRequests names;
    private boolean closed;

    /**
     * @param maxMsize bytes of the largest message, {@link P9#SMALLEST_MSIZE} or more
     */
    public P9Server(SharedFolder folder, int maxMsize) {
        this(folder, maxMsize, DescriptorBudget.OF_PROCESS);
    }

    P9Server(SharedFolder folder, int maxMsize, DescriptorBudget budget) {
        this.folder = folder;
        this.budget = budget;
        this.maxMsize = maxMsize;
        this.msize = maxMsize;
    }

    /**
     * Answers a request, with Rlerror if need be.
     *
     * @param request a whole message, outside the heap, {@link P9#HEADER} bytes or more
     * @param answer outside the heap, {@code maxMsize} bytes
     * @return bytes of the answer, never more than the client has agreed to
     */
    public synchronized int handle(MemorySegment request, MemorySegment answer) {
        if (closed) {
            throw new IllegalStateException("the server of this client is closed");
        }
        RequestReader reader = new RequestReader(request);
        reader.u32(); // size, which whoever brings the message has looked at
        int type = reader.u8();
        int tag = reader.u16();
        AnswerWriter writer = new AnswerWriter(answer.asSlice(0, msize));
        try {
            dispatch(type, reader, writer);
            return writer.end(type + 1, tag);
        } catch (P9Error e) {
            return error(writer, tag, e.errno());
        } catch (LastErrorException e) {
            return error(writer, tag, e.getErrorCode());
        }
    }

    private static int error(AnswerWriter writer, int tag, int errno) {
        writer.rewind(P9.HEADER);
        writer.u32(errno);
        return writer.end(P9.RLERROR, tag);
    }

    private void dispatch(int type, RequestReader request, AnswerWriter answer) {
        switch (type) {
            case P9.TVERSION -> version(request, answer);
            case P9.TFLUSH -> {} // what it names was answered before
            default -> {
                if (session == null) {
                    throw new P9Error(Errno.EPROTO);
                }
                dispatchInSession(type, request, answer);
            }
        }
    }

    private void dispatchInSession(int type, RequestReader request, AnswerWriter answer) {
        switch (type) {
            case P9.TATTACH -> attach(request, answer);
            case P9.TWALK -> walk(request, answer);
            case P9.TCLUNK -> session.fids().remove(request.u32());
            case P9.TLOPEN -> files.open(request, answer);
            case P9.TLCREATE -> files.create(request, answer);
            case P9.TREAD -> files.read(request, answer);
            case P9.TWRITE -> files.write(request, answer);
            case P9.TREADDIR -> files.list(request, answer);
            case P9.TFSYNC -> files.sync(request);
            case P9.TLOCK -> files.lock(request, answer);
            case P9.TGETLOCK -> files.getLock(request, answer);
            case P9.TGETATTR -> attributes.get(request, answer);
            case P9.TSETATTR -> attributes.set(request);
            case P9.TSTATFS -> attributes.fileSystem(request, answer);
            case P9.TREADLINK -> attributes.readLink(request, answer);
            case P9.TMKDIR -> names.makeFolder(request, answer);
            case P9.TSYMLINK -> names.makeLink(request, answer);
            case P9.TMKNOD -> names.makeNode(request, answer);
            case P9.TLINK -> names.addName(request);
            case P9.TRENAMEAT -> names.renameAt(request);
            case P9.TRENAME -> names.rename(request);
            case P9.TUNLINKAT -> names.removeAt(request);
            case P9.TREMOVE -> names.remove(request);
            // Among them Tauth, Txattrwalk and Txattrcreate.
            default -> throw new P9Error(Errno.EOPNOTSUPP);
        }
    }

    /** Begins anew: nothing of what the client had is left. */
    private void version(RequestReader request, AnswerWriter answer) {
        long asked = Integer.toUnsignedLong(request.u32());
        String version = request.text();
        endSession();
        boolean known = version.equals(P9.VERSION) && asked >= P9.SMALLEST_MSIZE;
        if (known) {
            msize = (int) Math.min(asked, maxMsize);
            session = new Session(folder, budget);
            files = new FileRequests(session);
            attributes = new AttributeRequests(session);
            names = new NameRequests(session);
        }
        answer.u32((int) Math.min(asked, maxMsize)).text(known ? P9.VERSION : P9.UNKNOWN_VERSION);
    }

    private void attach(RequestReader request, AnswerWriter answer) {
        int number = request.u32();
        int authentication = request.u32();
        request.bytes(); // user's name
        request.bytes(); // which tree: there is one
        int user = request.u32();
        if (authentication != P9.NO_FID) {
            throw new P9Error(Errno.EINVAL);
        }
        session.fids().requireFree(number);
        HostFile root = session.root().again();
        session.fids().add(number, new Fid(root, Place.ROOT, user));
        answer.qid(session.qid(root));
    }

    /** One step after the other; what was reached is said, and only the end is kept. */
    private void walk(RequestReader request, AnswerWriter answer) {
        int number = request.u32();
        int newNumber = request.u32();
        int count = request.u16();
        Fid from = session.fids().get(number);
        if (count > P9.MAX_WALK) {
            throw new P9Error(Errno.EINVAL);
        }
        FileName[] steps = new FileName[count];
        Arrays.setAll(steps, _ -> FileName.ofStep(request.bytes()));
        if (newNumber != number) {
            session.fids().requireFree(newNumber);
        }
        int position = answer.position();
        answer.u16(0);
        Walk walk = new Walk(session, from);
        int done = walk.go(steps, answer);
        answer.u16At(position, done);
        if (done < count) {
            return;
        }
        Fid reached = new Fid(walk.file(), walk.place(), from.user);
        if (newNumber == number) {
            session.fids().replace(number, reached);
        } else {
            session.fids().add(newNumber, reached);
        }
    }

    private void endSession() {
        if (session != null) {
            session.close();
            session = null;
        }
        msize = maxMsize;
    }

    /** The client is gone: gives back all that it had. */
    @Override
    public synchronized void close() {
        closed = true;
        endSession();
    }
}
