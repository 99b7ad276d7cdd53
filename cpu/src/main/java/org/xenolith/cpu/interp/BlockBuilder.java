package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Decodes straight-line code into blocks. One per vCPU: it keeps its work space. */
final class BlockBuilder {
    private static final int MAX_RANGES = 8;

    private final Instruction[] instructions = new Instruction[Block.MAX_INSTRUCTIONS];
    private final int[] starts = new int[Block.MAX_INSTRUCTIONS];

    /** The instruction is a jump inside the page; decoding went on at its target. */
    private final boolean[] followed = new boolean[Block.MAX_INSTRUCTIONS];

    /** One of those jumps leads back. */
    private boolean followedBack;

    private final byte[] code = new byte[Ram.PAGE_SIZE];
    private final int[] ranges = new int[2 * MAX_RANGES];
    private int rangeCount;
    private int count;

    /** Where decoding stopped, from the page's start. */
    private int at;

    BlockBuilder() {
        for (int i = 0; i < instructions.length; i++) {
            instructions[i] = new Instruction();
        }
    }

    /**
     * The block at an offset of a page.
     *
     * @return null when its first instruction does not end in the page
     */
    Block build(CodePage page, int offset) {
        decode(page, offset);
        return count == 0 ? null : link(page, offset);
    }

    private void decode(CodePage page, int offset) {
        count = 0;
        at = offset;
        rangeCount = 0;
        followedBack = false;
        openRange();
        boolean ended = false;
        while (!ended && count < Block.MAX_INSTRUCTIONS) {
            Instruction in = instructions[count];
            // Copied once: what is decoded and what is kept for comparison are the same bytes, the
            // one that makes an instruction too long included.
            int available = Math.min(Decoder.MAX_LENGTH + 1, Ram.PAGE_SIZE - at);
            Ram.read(page.hostBase() + at, code, at, available);
            int length = Decoder.decode(code, at, Ram.PAGE_SIZE - at, in);
            if (length == Decoder.NEED_MORE) {
                break;
            }
            if (length == Decoder.TOO_LONG) {
                in.row = null;
                in.length = Decoder.MAX_LENGTH + 1;
            }
            starts[count] = at;
            followed[count] = false;
            at += in.length;
            ended = endsBlock(in.row) && !follow(in);
            count++;
        }
        closeRange();
    }

    private void openRange() {
        ranges[2 * rangeCount] = at;
    }

    private void closeRange() {
        ranges[2 * rangeCount + 1] = Math.min(at, Ram.PAGE_SIZE);
        rangeCount++;
    }

    private static boolean endsBlock(OpcodeRow row) {
        return row == null || row.has(OpcodeRow.ENDS_BLOCK);
    }

    /**
     * Goes on at the target of an unconditional jump inside the page, unless that is decoded
     * already.
     */
    private boolean follow(Instruction in) {
        if (count == 0 || !isDirectJump(in) || rangeCount == MAX_RANGES - 1) {
            return false;
        }
        int target = at + (int) in.immediate;
        if (target < 0 || target >= Ram.PAGE_SIZE || at > Ram.PAGE_SIZE || isDecoded(target)) {
            return false;
        }
        followed[count] = true;
        followedBack |= target < at;
        closeRange();
        at = target;
        openRange();
        return true;
    }

    private static boolean isDirectJump(Instruction in) {
        if (in.row == null || !in.row.mnemonic().equals("jmp")) {
            return false;
        }
        Operand operand = in.row.operands().getFirst();
        return operand == Operand.JB || operand == Operand.JZ;
    }

    private boolean isDecoded(int offset) {
        for (int i = 0; i < rangeCount; i++) {
            if (offset >= ranges[2 * i] && offset < ranges[2 * i + 1]) {
                return true;
            }
        }
        return offset >= ranges[2 * rangeCount] && offset < at;
    }

    private Block link(CodePage page, int offset) {
        boolean[] dead = FlagLiveness.dead(instructions, followed, count);
        Op last = null;
        List<Op> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            if (followed[i]) {
                continue;
            }
            Op op = null;
            int width = 1;
            if (i + 2 == count) {
                op = FusedBranch.tryFuse(binding(page, i, false), binding(page, i + 1, false));
                width = op == null ? 1 : 2;
            }
            if (op == null) {
                op = OpFactory.bind(binding(page, i, dead[i]));
            }
            int end = starts[i + width - 1] + instructions[i + width - 1].length;
            op.standAt(starts[i], end, i);
            op.instructions = (byte) width;
            op.leavesFlagsExact = !dead[i + width - 1];
            op.placeInner();
            if (last != null) {
                last.link(op);
            }
            last = op;
            all.add(op);
            i += width - 1;
        }
        last.link(new Leave(at, count));
        if (followedBack) {
            last.followsJumpBack();
        }
        int[] covered = Arrays.copyOf(ranges, 2 * rangeCount);
        return new Block(page, all.toArray(Op[]::new), offset, count, CodeBytes.of(covered, code));
    }

    private Binding binding(CodePage page, int i, boolean flagsDead) {
        return new Binding(instructions[i], page, starts[i], flagsDead);
    }

    /** A block of the single instruction in {@code bytes}, which may end in the next page. */
    Block buildOne(CodePage page, int offset, byte[] bytes) {
        Instruction in = new Instruction();
        int length = Decoder.decode(bytes, 0, bytes.length, in);
        if (length < 0) {
            in.row = null;
            in.length = Decoder.MAX_LENGTH + 1;
        }
        Op op = OpFactory.bind(new Binding(in, page, offset, false));
        op.standAt(offset, offset + in.length, 0);
        op.placeInner();
        op.link(new Leave(op.end, 1));
        return new Block(
                null, new Op[] {op}, offset, 1, CodeBytes.unchecked(offset, Ram.PAGE_SIZE));
    }
}
