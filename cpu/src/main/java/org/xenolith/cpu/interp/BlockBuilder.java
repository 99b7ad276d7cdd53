package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/** Decodes straight-line code into blocks. One per vCPU: it keeps its work space. */
final class BlockBuilder {
    private static final int MAX_RANGES = 8;

    private final CodeSize size;
    private final Instruction[] instructions = new Instruction[Block.MAX_INSTRUCTIONS];
    private final int[] starts = new int[Block.MAX_INSTRUCTIONS];

    /** Filled again for each block: garbage between its operations would keep them apart. */
    private final Binding[] bindings = new Binding[Block.MAX_INSTRUCTIONS];

    private final long[] moves = new long[Block.MAX_INSTRUCTIONS];
    private final boolean[] flagsDead = new boolean[Block.MAX_INSTRUCTIONS];
    private final Op[] operations = new Op[Block.MAX_INSTRUCTIONS];
    private int made;
    private int lastWithOp;

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

    BlockBuilder(CodeSize size) {
        this.size = size;
        for (int i = 0; i < instructions.length; i++) {
            instructions[i] = new Instruction();
            bindings[i] = new Binding();
        }
    }

    /** Lets go of the operations of the last block, and of those of longer ones before. */
    void forget() {
        Arrays.fill(operations, null);
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
            int length = Decoder.decode(size, code, at, Ram.PAGE_SIZE - at, in);
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
        if (in.row == null || !in.row.mnemonic().equals("jmp") || Branch.cutsTarget(in)) {
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
        bind(page);
        lastWithOp = lastWithOp();
        made = 0;
        for (int i = 0; i <= lastWithOp; i++) {
            if (!isSkipped(i)) {
                i = make(i);
            }
        }
        operations[made - 1].link(new Leave(at, count));
        if (followedBack) {
            operations[made - 1].followsJumpBack();
        }
        CodeBytes bytes = CodeBytes.of(Arrays.copyOf(ranges, 2 * rangeCount), code);
        return new Block(page, Arrays.copyOf(operations, made), offset, count, bytes);
    }

    private void bind(CodePage page) {
        FlagLiveness.find(instructions, followed, count, flagsDead);
        for (int i = 0; i < count; i++) {
            bindings[i].set(instructions[i], page, starts[i], flagsDead[i]);
            moves[i] = RegisterMove.of(bindings[i]);
        }
    }

    /** The last instruction that is not a jump without an operation; the first never is one. */
    private int lastWithOp() {
        int last = count - 1;
        while (followed[last]) {
            last--;
        }
        return last;
    }

    /** It has no operation: the next one stands for it, and is further on in the block. */
    private boolean isSkipped(int i) {
        return followed[i] || i < lastWithOp && isNop(instructions[i]);
    }

    private static boolean isNop(Instruction in) {
        return in.row != null && in.row.mnemonic().equals("nop") && !in.lock;
    }

    /**
     * Makes the operation of an instruction, and of the one behind it if it is for two.
     *
     * @return the last instruction that it executes
     */
    private int make(int i) {
        int second = i + 1;
        while (second < lastWithOp && isSkipped(second)) {
            second++;
        }
        if (second > lastWithOp) {
            return add(OpFactory.bind(bindings[i]), i, i);
        }
        Op op = null;
        if (moves[i] != RegisterMove.NONE) {
            op = Pairs.behindMove(moves[i], moves[second], bindings[second]);
        }
        if (op != null) {
            return add(op, second, second);
        }
        if (second == count - 1 && second == i + 1) {
            op = FusedBranch.tryFuse(bindings[i], bindings[second]);
        }
        return op == null ? add(OpFactory.bind(bindings[i]), i, i) : add(op, i, second);
    }

    /**
     * Appends an operation.
     *
     * @param i where it stands
     * @param last the last instruction that it executes: i or the next
     * @return {@code last}
     */
    private int add(Op op, int i, int last) {
        op.standAt(starts[i], starts[last] + instructions[last].length, i);
        if (last > i) {
            op.coverTwo();
        }
        if (bindings[last].flagsDead) {
            op.leaveFlagsStale();
        }
        op.placed();
        if (made > 0) {
            operations[made - 1].link(op);
        }
        operations[made++] = op;
        return last;
    }

    /** A block of the single instruction in {@code bytes}, which may end in the next page. */
    Block buildOne(CodePage page, int offset, byte[] bytes) {
        Instruction in = new Instruction();
        int length = Decoder.decode(size, bytes, 0, bytes.length, in);
        if (length < 0) {
            in.row = null;
            in.length = Decoder.MAX_LENGTH + 1;
        }
        Op op = OpFactory.bind(new Binding(in, page, offset, false));
        op.standAt(offset, offset + in.length, 0);
        op.placed();
        op.link(new Leave(op.end(), 1));
        return new Block(
                null, new Op[] {op}, offset, 1, CodeBytes.unchecked(offset, Ram.PAGE_SIZE));
    }
}
