package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

import java.lang.invoke.VarHandle;

/** Instructions that ask the platform, fences and hints. */
final class SystemOps {
    private SystemOps() {}

    static final class Nop extends Op {
        @Override
        public Op execute(Cpu cpu) {
            return next;
        }
    }

    /** CLI and STI. */
    static final class SetInterrupts extends Op {
        private final boolean enabled;

        SetInterrupts(boolean enabled) {
            this.enabled = enabled;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.platform().setInterrupts(cpu, enabled);
            return next;
        }
    }

    /** CLFLUSH: memory is as it should be; what is left is that it faults as a load of a byte. */
    static final class FlushLine extends MemoryOp {
        FlushLine(Binding b) {
            super(b);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.mmu().hostForRead(vaddr(cpu.r));
            return next;
        }
    }

    /** WBINVD. */
    static final class FlushCaches extends Op {
        @Override
        public Op execute(Cpu cpu) {
            cpu.platform().flushCaches(cpu);
            return next;
        }
    }

    /** PAUSE: the platform counts them, so that a spinning vCPU lets its sibling run. */
    static final class Pause extends Op {
        @Override
        public Op execute(Cpu cpu) {
            Thread.onSpinWait();
            cpu.platform().pause(cpu);
            return next;
        }
    }

    static final class Fence extends Op {
        @Override
        public Op execute(Cpu cpu) {
            VarHandle.fullFence();
            return next;
        }
    }

    static final class Cpuid extends Op {
        @Override
        public Op execute(Cpu cpu) {
            cpu.platform().cpuid(cpu);
            return next;
        }
    }

    /**
     * RDTSC and RDTSCP; time may derive from the instruction count, which is exact only at block
     * ends.
     */
    static final class TimeStamp extends Op {
        private static final int MSR_TSC_AUX = 0xc000_0103;
        private final boolean withAux;

        TimeStamp(boolean withAux) {
            this.withAux = withAux;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            cpu.budget -= position();
            long tsc;
            try {
                tsc = cpu.platform().timeStampCounter(cpu);
                if (withAux) {
                    r[Cpu.RCX] = cpu.platform().readMsr(cpu, MSR_TSC_AUX) & Registers.LOW_32;
                }
            } finally {
                cpu.budget += position();
            }
            r[Cpu.RAX] = tsc & Registers.LOW_32;
            r[Cpu.RDX] = tsc >>> 32;
            return next;
        }
    }

    static final class ReadMsr extends Op {
        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value = cpu.platform().readMsr(cpu, (int) r[Cpu.RCX]);
            r[Cpu.RAX] = value & Registers.LOW_32;
            r[Cpu.RDX] = value >>> 32;
            return leaveAfter(cpu);
        }
    }

    static final class WriteMsr extends Op {
        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long value = r[Cpu.RDX] << 32 | r[Cpu.RAX] & Registers.LOW_32;
            cpu.platform().writeMsr(cpu, (int) r[Cpu.RCX], value);
            return leaveAfter(cpu);
        }
    }

    /** MOV between a general register and CRn or DRn. */
    static final class ControlRegister extends Op {
        private final boolean debug;
        private final boolean write;
        private final int number;
        private final int register;

        /** Bits that are moved. */
        private final long mask;

        ControlRegister(boolean debug, boolean write, Binding b) {
            mask = b.in.code32 ? Registers.LOW_32 : -1;
            this.debug = debug;
            this.write = write;
            number = b.in.reg;
            register = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            if (write && debug) {
                cpu.platform().writeDebug(cpu, number, r[register] & mask);
            } else if (write) {
                cpu.platform().writeControl(cpu, number, r[register] & mask);
            } else {
                long value =
                        debug
                                ? cpu.platform().readDebug(cpu, number)
                                : cpu.platform().readControl(cpu, number);
                r[register] = value & mask;
            }
            return leaveAfter(cpu);
        }
    }

    /** CLTS through the platform's CR0. */
    static final class ClearTaskSwitched extends Op {
        private static final long CR0_TS = 8;

        @Override
        public Op execute(Cpu cpu) {
            cpu.platform().writeControl(cpu, 0, cpu.platform().readControl(cpu, 0) & ~CR0_TS);
            return leaveAfter(cpu);
        }
    }

    /** IN and OUT. */
    static final class Port extends Op {
        private final boolean out;
        private final int bits;
        private final int port;

        /**
         * @param port constant, or -1 for DX
         */
        Port(boolean out, int bits, int port) {
            this.out = out;
            this.bits = bits;
            this.port = port;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int number = port >= 0 ? port : (int) r[Cpu.RDX] & 0xffff;
            if (out) {
                int value = (int) Registers.zeroExtend(r[Cpu.RAX], bits);
                cpu.platform().portOut(cpu, number, bits >> 3, value);
            } else {
                Registers.set(r, Cpu.RAX, 0, bits, cpu.platform().portIn(cpu, number, bits >> 3));
            }
            return leaveAfter(cpu);
        }
    }

    /** SLDT, STR, SMSW, SGDT, SIDT: not privileged on the processor; what they show is fixed. */
    static final class StoreSystemValue extends MemoryOp {
        private final boolean memory;
        private final int dst;
        private final int bits;
        private final int bytes;

        /** PG, AM, WP, NE, ET, MP and PE: what a PV guest's CR0 always has. */
        private static final long CR0_LOW = 0x8005_0033L;

        private static final long CR0_TS = 1 << 3;
        private final boolean fromCr0;

        /**
         * @param bytes of a memory operand: 2, or for a table register 10, in 32-bit code 6
         */
        StoreSystemValue(Binding b, int bytes, boolean fromCr0) {
            super(b);
            memory = b.in.memory;
            dst = b.in.rm;
            bits = b.bits();
            this.bytes = bytes;
            this.fromCr0 = fromCr0;
        }

        @Override
        public Op execute(Cpu cpu) {
            long value = fromCr0 ? CR0_LOW | (cpu.taskSwitched ? CR0_TS : 0) : 0;
            if (!memory) {
                Registers.set(cpu.r, dst, 0, bits, value);
                return next;
            }
            long vaddr = vaddr(cpu.r);
            Mmu mmu = cpu.mmu();
            if (bytes > 2) {
                mmu.checkWritable(vaddr, bytes);
                mmu.write16(vaddr, 0);
                Loads.store(mmu, vaddr + 2, (bytes - 2) * 8, 0);
            } else {
                mmu.write16(vaddr, (int) value);
            }
            return next;
        }
    }

    /** RDRAND: always succeeds, CF set. */
    static final class Random extends Op {
        private final int dst;
        private final int bits;

        Random(Binding b) {
            dst = b.in.rm;
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            Registers.set(cpu.r, dst, 0, bits, cpu.platform().random(cpu));
            cpu.setArithmeticFlags(Flags.CF);
            return next;
        }
    }
}
