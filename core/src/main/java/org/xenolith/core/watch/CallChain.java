package org.xenolith.core.watch;

import org.xenolith.core.domain.StillMemory;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.Symbols;
import org.xenolith.cpu.Cpu;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Who called what a vCPU that stands is doing, as far as its stack tells: all words from RSP on
 * that lead behind a call, innermost first. Those that the chain of saved RBPs leads to are certain
 * if the kernel was built to keep one; others may be what earlier calls left there. Linux prints
 * the same with "? ". The stack is the guest's word: it may say anything, so each word is read
 * once, and there is an end to it.
 *
 * @param calls innermost first
 * @param endsUnmapped whether the stack ended before enough words were read
 */
public record CallChain(List<Call> calls, boolean endsUnmapped) {
    /** Bytes of a call with a displacement, SDM vol. 2, CALL. */
    private static final int NEAR_CALL_BYTES = 5;

    private static final int NEAR_CALL = 0xe8;

    /** A call through a register or memory: the opcode byte, and 2 in the ModRM byte behind it. */
    private static final int INDIRECT_CALL = 0xff;

    private static final int INDIRECT_CALL_EXTENSION = 2;

    /** Bytes of such a call without prefixes, by the forms of its operand. */
    private static final int[] INDIRECT_CALL_BYTES = {2, 3, 4, 6, 7};

    /**
     * A word on the stack.
     *
     * @param function of the kernel that it leads into, {@code name+0x12}; empty when not known
     * @param certain whether the chain of frames leads to it
     */
    public record Call(long returnAddress, String function, boolean certain) {}

    /**
     * Looks at a stack.
     *
     * @param symbols of the kernel: where they are known, words that lead to none are left out
     * @param words to look at, at most
     * @param most calls to find, at most
     */
    public static CallChain of(VirtualCpu vcpu, Symbols symbols, int words, int most) {
        StillMemory memory = new StillMemory(vcpu);
        long rsp = vcpu.cpu().r[Cpu.RSP];
        long[] stack = new long[words];
        int length = 0;
        while (length < words) {
            OptionalLong word = memory.read64(rsp + (long) length * Long.BYTES);
            if (word.isEmpty()) {
                break;
            }
            stack[length++] = word.getAsLong();
        }
        Set<Integer> chained = followFrames(stack, length, rsp, vcpu.cpu().r[Cpu.RBP]);
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < length && calls.size() < most; i++) {
            String function = symbols.at(stack[i]);
            if (isAfterCall(memory, stack[i]) && !(symbols.areKnown() && function.isEmpty())) {
                calls.add(new Call(stack[i], function, chained.contains(i)));
            }
        }
        return new CallChain(calls, length < words && calls.size() < most);
    }

    /**
     * Where on the stack return addresses stand by the chain of frames: each frame begins with the
     * RBP of the one before it in time, which lies further up.
     */
    private static Set<Integer> followFrames(long[] stack, int length, long rsp, long rbp) {
        Set<Integer> places = new HashSet<>();
        long frame = rbp;
        long last = -1;
        while (true) {
            long offset = frame - rsp;
            long place = offset / Long.BYTES;
            if (offset < 0 || offset % Long.BYTES != 0 || place <= last || place + 1 >= length) {
                return places;
            }
            places.add((int) place + 1);
            last = place;
            frame = stack[(int) place];
        }
    }

    private static boolean isAfterCall(StillMemory memory, long address) {
        if (!memory.isExecutable(address)) {
            return false;
        }
        if (memory.read8(address - NEAR_CALL_BYTES) == NEAR_CALL) {
            return true;
        }
        for (int bytes : INDIRECT_CALL_BYTES) {
            if (memory.read8(address - bytes) == INDIRECT_CALL
                    && (memory.read8(address - bytes + 1) >> 3 & 7) == INDIRECT_CALL_EXTENSION) {
                return true;
            }
        }
        return false;
    }
}
