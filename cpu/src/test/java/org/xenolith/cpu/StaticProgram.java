package org.xenolith.cpu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Runs a static x86-64 Linux program on a bare {@link Cpu}: just enough system calls for a C
 * program that computes and prints. A fixture: a guest kernel does this properly elsewhere.
 */
public final class StaticProgram {
    private static final long STACK_TOP = 0x7fff_ffff_0000L;
    private static final int STACK_BYTES = 256 << 10;
    private static final long SLICE = 1 << 16;

    private static final int ENOSYS = 38;

    private final FlatMachine machine = new FlatMachine();
    private final Cpu cpu = machine.cpu;
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private long brk;
    private long mmapNext = 0x7000_0000_0000L;
    private int exitCode = -1;

    public StaticProgram(byte[] elf, List<String> arguments) {
        ByteBuffer file = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
        long phoff = file.getLong(32);
        int phnum = file.getShort(56);
        for (int i = 0; i < phnum; i++) {
            int ph = (int) phoff + i * 56;
            if (file.getInt(ph) == 1) {
                long vaddr = file.getLong(ph + 16);
                int filesz = (int) file.getLong(ph + 32);
                long memsz = file.getLong(ph + 40);
                machine.map(vaddr, memsz);
                byte[] bytes = new byte[filesz];
                file.get((int) file.getLong(ph + 8), bytes);
                machine.load(vaddr, bytes);
                brk = Math.max(brk, vaddr + memsz);
            }
        }
        brk = brk + 0xfff & -0x1000;
        machine.map(STACK_TOP - STACK_BYTES, STACK_BYTES);
        cpu.rip = file.getLong(24);
        setUpStack(arguments, phoff, phnum);
    }

    private void setUpStack(List<String> arguments, long phoff, int phnum) {
        long sp = STACK_TOP - 64;
        long random = sp;
        long[] pointers = new long[arguments.size()];
        for (int i = 0; i < pointers.length; i++) {
            byte[] bytes = (arguments.get(i) + "\0").getBytes(StandardCharsets.UTF_8);
            sp -= bytes.length;
            machine.load(sp, bytes);
            pointers[i] = sp;
        }
        sp = sp & -16;
        long[] auxv = {6, 4096, 3, 0x400000 + phoff, 4, 56, 5, phnum, 25, random, 0, 0};
        int words = 1 + pointers.length + 1 + 1 + auxv.length;
        sp -= (words + 1 & ~1) * 8L;
        ByteBuffer stack = ByteBuffer.allocate(words * 8).order(ByteOrder.LITTLE_ENDIAN);
        stack.putLong(pointers.length);
        for (long pointer : pointers) {
            stack.putLong(pointer);
        }
        stack.putLong(0).putLong(0);
        for (long word : auxv) {
            stack.putLong(word);
        }
        machine.load(sp, stack.array());
        cpu.r[Cpu.RSP] = sp;
    }

    /** Runs to the program's exit and returns its exit code. */
    public int run() {
        while (exitCode < 0) {
            int exit = cpu.run(SLICE);
            if (exit == Exit.SYSCALL) {
                systemCall();
            } else if (exit != Exit.BUDGET) {
                throw new IllegalStateException(
                        "exit %d at %#x: %s".formatted(exit, cpu.rip, cpu.fault()));
            }
        }
        return exitCode;
    }

    public String output() {
        return output.toString(StandardCharsets.UTF_8);
    }

    public Cpu cpu() {
        return cpu;
    }

    private void systemCall() {
        long[] r = cpu.r;
        r[Cpu.RCX] = cpu.rip;
        r[Cpu.R11] = cpu.rflags();
        long a = r[Cpu.RDI];
        long b = r[Cpu.RSI];
        r[Cpu.RAX] =
                switch ((int) r[Cpu.RAX]) {
                    case 1 -> write(b, (int) r[Cpu.RDX]);
                    case 20 -> writeVector(b, (int) r[Cpu.RDX]);
                    case 9 -> mmap(b);
                    case 11, 10, 13, 14 -> 0;
                    case 12 -> brk(a);
                    case 158 -> {
                        if (a == 0x1002) {
                            r[Cpu.FS_BASE] = b;
                        }
                        yield 0;
                    }
                    case 110, 218, 39 -> 42;
                    case 60, 231 -> {
                        exitCode = (int) a;
                        yield 0;
                    }
                    default -> -ENOSYS;
                };
    }

    private long write(long buffer, int length) {
        byte[] bytes = new byte[length];
        cpu.mmu().copyFrom(buffer, bytes, 0, length);
        output.writeBytes(bytes);
        return length;
    }

    private long writeVector(long vector, int count) {
        long total = 0;
        for (int i = 0; i < count; i++) {
            total +=
                    write(
                            cpu.mmu().read64(vector + 16L * i),
                            (int) cpu.mmu().read64(vector + 16L * i + 8));
        }
        return total;
    }

    private long mmap(long bytes) {
        long at = mmapNext;
        mmapNext += bytes + 0xfff & -0x1000;
        machine.map(at, bytes);
        return at;
    }

    private long brk(long wanted) {
        if (wanted > brk) {
            machine.map(brk, wanted - brk);
            brk = wanted;
        }
        return brk;
    }
}
