package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StringAccess;
import org.xenolith.cpu.semantics.Flags;

/**
 * MOVS, STOS, LODS, CMPS, SCAS, INS and OUTS with and without REP. A repeated instruction works in
 * bounded pieces: after one it returns with RIP unchanged and RCX, RSI, RDI at the next element, as
 * after an interrupt in between; a fault leaves them at the faulting element. Stretches inside one
 * page with DF clear are done in bulk.
 */
final class StringOps {
    /**
     * Elements that one run of a repeated instruction handles at most, so that poll points stay
     * near.
     */
    private static final int MAX_ELEMENTS = 2048;

    private StringOps() {}

    abstract static class StringOp extends Op {
        final boolean repeat;
        final int bits;
        final int size;
        final int segment;
        private final int destinationSegment;

        /** Bits of RSI, RDI and RCX that count, and those that stay when they are written. */
        private final long mask;

        private final long kept;

        /** Bits of linear addresses that count. */
        private final long linearMask;

        /** Addresses in a page follow one another as the offsets do. */
        private final boolean inBulk;

        StringOp(Binding b) {
            this(b, Long.SIZE);
        }

        StringOp(Binding b, int maxBits) {
            repeat = b.in.rep || b.in.repne;
            bits = (b.in.opcode & 1) == 0 ? 8 : Math.min(b.bits(), maxBits);
            size = bits >> 3;
            segment = b.in.segment;
            destinationSegment = b.in.code32 ? Cpu.ES_BASE : Cpu.ZERO;
            mask = Registers.addressMask(b.in.addressSize);
            kept = b.in.addressSize == 2 ? ~mask : 0;
            linearMask = b.in.code32 ? Registers.LOW_32 : -1;
            inBulk = b.in.addressSize == (b.in.code32 ? 4 : 8);
        }

        @Override
        public Op execute(Cpu cpu) {
            if (!repeat) {
                element(cpu);
                return next;
            }
            // TF and data breakpoints trap after each element. SDM vol. 3B, 18.3.1.4.
            return repeat(cpu, cpu.isStepping());
        }

        /** As {@link #execute}, but of a repetition one element only. */
        Op executeSingly(Cpu cpu) {
            return repeat ? repeat(cpu, true) : execute(cpu);
        }

        private Op repeat(Cpu cpu, boolean singly) {
            long[] r = cpu.r;
            int left = singly ? 1 : MAX_ELEMENTS;
            while (count(r) != 0) {
                if (left <= 0) {
                    return leaveInTheMiddle(cpu);
                }
                int done = singly || !inBulk || cpu.directionDown() ? 0 : bulk(cpu);
                if (done == 0) {
                    boolean more = element(cpu);
                    setCount(r, count(r) - 1);
                    left--;
                    if (!more) {
                        break;
                    }
                } else {
                    setCount(r, count(r) - done);
                    left -= Math.max(1, done >> 3);
                }
            }
            return next;
        }

        final Op leaveInTheMiddle(Cpu cpu) {
            // A breakpoint on the instruction itself was met at its first element.
            cpu.systemFlags |= cpu.isStepping() ? Flags.RF : 0;
            return leaveToRepeat(cpu);
        }

        /**
         * Handles one element: memory, then RSI and RDI.
         *
         * @return whether a repetition goes on
         */
        abstract boolean element(Cpu cpu);

        /**
         * Handles many elements at once, upwards, where that is the same; returns how many, 0 for
         * none.
         */
        int bulk(Cpu cpu) {
            return 0;
        }

        /** There is nothing to repeat: it accesses no memory. */
        final boolean isDone(long[] r) {
            return repeat && count(r) == 0;
        }

        /** Of RSI or RDI, what counts. */
        final long offset(long[] r, int register) {
            return r[register] & mask;
        }

        final long count(long[] r) {
            return r[Cpu.RCX] & mask;
        }

        final void setCount(long[] r, long value) {
            r[Cpu.RCX] = r[Cpu.RCX] & kept | value & mask;
        }

        final long source(long[] r) {
            return (r[Cpu.RSI] & mask) + r[segment] & linearMask;
        }

        final long destination(long[] r) {
            return (r[Cpu.RDI] & mask) + r[destinationSegment] & linearMask;
        }

        final void advance(long[] r, int register, long bytes) {
            r[register] = r[register] & kept | r[register] + bytes & mask;
        }

        /** Elements from {@code vaddr} to the end of its page, at most RCX. */
        final long elementsInPage(long[] r, long vaddr) {
            long inPage = (Ram.PAGE_SIZE - (vaddr & Ram.PAGE_OFFSET)) / size;
            long count = count(r);
            return Long.compareUnsigned(count, inPage) < 0 ? count : inPage;
        }
    }

    static final class Move extends StringOp {
        Move(Binding b) {
            super(b);
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            Loads.store(mmu, destination(r), bits, Loads.load(mmu, source(r), bits));
            advance(r, Cpu.RSI, (long) size * cpu.stringStep);
            advance(r, Cpu.RDI, (long) size * cpu.stringStep);
            return true;
        }

        @Override
        int bulk(Cpu cpu) {
            long[] r = cpu.r;
            long from = source(r);
            long to = destination(r);
            long n = Math.min(elementsInPage(r, from), elementsInPage(r, to));
            if (n < 2) {
                return 0;
            }
            Mmu mmu = cpu.mmu();
            long hostFrom = mmu.hostForRead(from);
            long hostTo = mmu.hostForBulkWrite(to);
            hostFrom = mmu.hostForRead(from); // the first store to a page may have moved it
            long bytes = n * size;
            // A destination inside the source must replicate what was just written, element by
            // element.
            if (hostTo == Mmu.NO_HOST || hostTo > hostFrom && hostTo < hostFrom + bytes) {
                return 0;
            }
            Ram.copy(hostFrom, hostTo, bytes);
            mmu.noteStore(hostTo, (int) bytes);
            advance(r, Cpu.RSI, bytes);
            advance(r, Cpu.RDI, bytes);
            return (int) n;
        }
    }

    static final class Store extends StringOp {
        Store(Binding b) {
            super(b);
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            Loads.store(cpu.mmu(), destination(r), bits, r[Cpu.RAX]);
            advance(r, Cpu.RDI, (long) size * cpu.stringStep);
            return true;
        }

        @Override
        int bulk(Cpu cpu) {
            long[] r = cpu.r;
            long to = destination(r);
            long n = elementsInPage(r, to);
            if (n < 2) {
                return 0;
            }
            Mmu mmu = cpu.mmu();
            long host = mmu.hostForBulkWrite(to);
            if (host == Mmu.NO_HOST) {
                return 0;
            }
            StringAccess.fill(host, (int) n, size, r[Cpu.RAX]);
            mmu.noteStore(host, (int) n * size);
            advance(r, Cpu.RDI, n * size);
            return (int) n;
        }
    }

    static final class Load extends StringOp {
        Load(Binding b) {
            super(b);
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            Registers.set(r, Cpu.RAX, 0, bits, Loads.load(cpu.mmu(), source(r), bits));
            advance(r, Cpu.RSI, (long) size * cpu.stringStep);
            return true;
        }
    }

    static final class Compare extends StringOp {
        private final boolean whileEqual;

        Compare(Binding b) {
            super(b);
            whileEqual = b.in.rep;
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            Mmu mmu = cpu.mmu();
            long a = Loads.load(mmu, source(r), bits);
            long b = Loads.load(mmu, destination(r), bits);
            advance(r, Cpu.RSI, (long) size * cpu.stringStep);
            advance(r, Cpu.RDI, (long) size * cpu.stringStep);
            cpu.setFlags(Flags.SUB, a, b, Registers.narrow(a - b, bits));
            return (a == b) == whileEqual;
        }
    }

    static final class Scan extends StringOp {
        private final boolean whileEqual;

        Scan(Binding b) {
            super(b);
            whileEqual = b.in.rep;
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            long a = Registers.get(r, Cpu.RAX, 0, bits);
            long b = Loads.load(cpu.mmu(), destination(r), bits);
            advance(r, Cpu.RDI, (long) size * cpu.stringStep);
            cpu.setFlags(Flags.SUB, a, b, Registers.narrow(a - b, bits));
            return (a == b) == whileEqual;
        }
    }

    /** INS and OUTS, one element a run. Whether the port is allowed is asked before all else. */
    static final class Port extends StringOp {
        private static final int MAX_BITS = 32;
        private static final int PORT_MASK = 0xffff;
        private final boolean out;

        Port(boolean out, Binding b) {
            super(b, MAX_BITS);
            this.out = out;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            if (repeat && count(r) == 0) {
                return leaveAfter(cpu);
            }
            element(cpu);
            if (!repeat) {
                return leaveAfter(cpu);
            }
            setCount(r, count(r) - 1);
            return count(r) == 0 ? leaveAfter(cpu) : leaveInTheMiddle(cpu);
        }

        @Override
        Op executeSingly(Cpu cpu) {
            return execute(cpu);
        }

        @Override
        boolean element(Cpu cpu) {
            long[] r = cpu.r;
            int port = (int) r[Cpu.RDX] & PORT_MASK;
            cpu.platform().requirePort(cpu, port, size);
            if (out) {
                long value = Loads.load(cpu.mmu(), source(r), bits);
                cpu.platform().portOut(cpu, port, size, (int) Registers.zeroExtend(value, bits));
                advance(r, Cpu.RSI, (long) size * cpu.stringStep);
            } else {
                // All of it: a port that was read in vain may have lost what it gave.
                cpu.mmu().checkWritable(destination(r), size);
                int value = cpu.platform().portIn(cpu, port, size);
                Loads.store(cpu.mmu(), destination(r), bits, value);
                advance(r, Cpu.RDI, (long) size * cpu.stringStep);
            }
            return true;
        }
    }
}
