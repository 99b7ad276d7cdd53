package org.xenolith.cpu;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;

/**
 * A program of its own: budgets end in one unit; C2 compiles another one while none does there; and
 * then they end at each place of it where it compares them. {@link SpentBudgetTest} reads what the
 * JVM says.
 */
final class SpentBudgets {
    /** More than C2 waits for. */
    private static final int WARM_RUNS = 20_000;

    private static final int PLENTY = 1_000_000;

    /** Several times as far as two comparisons of the budget may be apart. */
    private static final int BODY = 100;

    private static final int ROUNDS = 3;

    private SpentBudgets() {}

    public static void main(String[] arguments) {
        GuestCode other = loop(Alu.SUB);
        for (int i = 0; i < WARM_RUNS; i++) {
            run(other, BODY, Exit.BUDGET);
        }
        GuestCode guest = loop(Alu.ADD);
        for (int i = 0; i < WARM_RUNS; i++) {
            run(guest, PLENTY, Exit.SYSCALL);
        }
        System.out.println("warm");
        for (int budget = 1; budget <= ROUNDS * BODY; budget++) {
            run(guest, budget, Exit.BUDGET);
        }
        System.out.println("done");
    }

    private static GuestCode loop(Alu operation) {
        GuestCode guest = new GuestCode(TestTier.EVERYTHING);
        Label round = new Label();
        guest.write(
                code -> {
                    code.mov(Cpu.R15, ROUNDS).bind(round);
                    for (int i = 0; i < BODY; i++) {
                        code.alu(operation, 64, Cpu.RAX, Cpu.RDX);
                    }
                    code.dec(64, Cpu.R15).jcc(Condition.NE, round).syscall();
                });
        return guest;
    }

    private static void run(GuestCode guest, int budget, int expected) {
        guest.cpu.rip = GuestCode.CODE;
        int exit = guest.cpu.run(budget);
        if (exit != expected) {
            throw new IllegalStateException("exit %d of a budget of %d".formatted(exit, budget));
        }
    }
}
