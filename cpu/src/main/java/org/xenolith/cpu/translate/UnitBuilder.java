package org.xenolith.cpu.translate;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.TlbMiss;
import org.xenolith.cpu.translate.Translations.Emitter;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Makes the class of a region: a hidden one, which goes when nobody refers to its unit any more.
 */
final class UnitBuilder {
    private static final ClassDesc UNIT =
            ClassDesc.of(UnitBuilder.class.getPackageName() + ".Unit");
    private static final ClassDesc SUPER = UnitCode.desc(TranslatedUnit.class);
    private static final ClassDesc MISS = UnitCode.desc(TlbMiss.class);
    private static final ClassDesc SPENT = UnitCode.desc(Budget.Spent.class);
    private static final ClassDesc ROUGH = UnitCode.desc(RoughDouble.class);
    private static final ClassDesc FAULT = UnitCode.desc(GuestFault.class);
    private static final MethodTypeDesc RUN =
            MethodTypeDesc.of(ConstantDescs.CD_int, UnitCode.CPU_CLASS, ConstantDescs.CD_int);
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private final Region region;
    private final boolean exact;

    /** The loops whose blocks {@link #facts} tells about; none while these are found out. */
    private final Map<RegionBlock, RegionLoop> loops;

    private final boolean ownSlots;

    /** What a first writing has found out about vector registers in each block. */
    private final Map<RegionBlock, DoubleFacts> facts;

    private final Map<RegionBlock, Label> labels = new HashMap<>();

    /** Where the blocks of a loop go on at its head, behind what is tested in front of the loop. */
    private final Map<RegionBlock, Label> heads = new HashMap<>();

    /** What a block with one predecessor in the region knows from it. */
    private final Map<RegionBlock, FlagEmitter.State> known = new HashMap<>();

    /** What is known of vector registers where a block is reached, from the blocks before it. */
    private final Map<RegionBlock, Arrival> arrivals = new HashMap<>();

    private UnitBuilder(
            Region region,
            boolean exact,
            Map<RegionBlock, RegionLoop> loops,
            Map<RegionBlock, DoubleFacts> facts) {
        this.region = region;
        this.exact = exact;
        this.loops = loops;
        this.facts = facts;
        this.ownSlots = OwnSlots.areWorthIt(accessesInSlots());
    }

    /**
     * The class file of a region.
     *
     * @param exact not in the quick form, see {@link QuickDoubles}
     */
    static byte[] classFile(Region region, boolean exact) {
        UnitBuilder first = new UnitBuilder(region, exact, Map.of(), new HashMap<>());
        byte[] written = first.write();
        if (exact || QuickDoubles.halvesOf(region.blocks()) == 0) {
            return written;
        }
        Map<RegionBlock, RegionLoop> loops = RegionLoop.of(region);
        return loops.isEmpty()
                ? written
                : new UnitBuilder(region, exact, loops, first.facts).write();
    }

    private byte[] write() {
        return ClassFile.of().build(UNIT, this::writeClass);
    }

    /** Bytes of bytecode of the unit's method. */
    static int codeLength(byte[] classFile) {
        return ClassFile.of().parse(classFile).methods().stream()
                .filter(method -> method.methodName().equalsString("run"))
                .flatMap(method -> method.findAttribute(Attributes.code()).stream())
                .mapToInt(CodeAttribute::codeLength)
                .sum();
    }

    /**
     * Defines the class of a region.
     *
     * @return its only instance
     */
    static TranslatedUnit define(byte[] classFile) {
        try {
            MethodHandles.Lookup hidden =
                    OwnSlots.areIn(classFile)
                            ? LOOKUP.defineHiddenClassWithClassData(
                                    classFile, OwnSlots.create(), true)
                            : LOOKUP.defineHiddenClass(classFile, false);
            return (TranslatedUnit)
                    hidden.findConstructor(hidden.lookupClass(), MethodType.methodType(void.class))
                            .invoke();
        } catch (Throwable e) {
            throw new IllegalStateException("a translated unit cannot be defined", e);
        }
    }

    /**
     * Initialises the classes that a unit refers to. C1 neither inlines nor counts calls of a class
     * that is not there yet, and what was not counted C2 does not inline.
     */
    static void initialiseWhatIsCalled(byte[] classFile) {
        ClassModel unit = ClassFile.of().parse(classFile);
        for (PoolEntry entry : unit.constantPool()) {
            if (entry instanceof ClassEntry type && !type.equals(unit.thisClass())) {
                initialise(type.asSymbol());
            }
        }
    }

    private static void initialise(ClassDesc type) {
        if (type.isArray()) {
            return;
        }
        try {
            LOOKUP.ensureInitialized(type.resolveConstantDesc(LOOKUP));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a unit refers to what there is not", e);
        }
    }

    private void writeClass(ClassBuilder type) {
        type.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SYNTHETIC);
        type.withSuperclass(SUPER);
        type.withMethodBody(
                ConstantDescs.INIT_NAME,
                ConstantDescs.MTD_void,
                0,
                code ->
                        code.aload(0)
                                .invokespecial(
                                        SUPER, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                                .return_());
        if (ownSlots) {
            OwnSlots.write(type, UNIT);
        }
        type.withMethodBody("run", RUN, ClassFile.ACC_PUBLIC, this::writeRun);
    }

    /** Blocks first, then prologue and exits: which registers those move is known only then. */
    private void writeRun(CodeBuilder out) {
        UnitCode unit =
                new UnitCode(
                        out,
                        exact ? 0 : QuickDoubles.halvesOf(region.blocks()),
                        ownSlots ? UNIT : MemoryAccesses.ACCESSORS);
        Label prologue = out.newLabel();
        Label from = out.newLabel();
        Label to = out.newLabel();
        Label handler = out.newLabel();
        // This may be called twice, if jumps turn out to be longer than expected.
        known.clear();
        arrivals.clear();
        for (RegionBlock block : region.blocks()) {
            labels.put(block, out.newLabel());
            heads.put(block, out.newLabel());
        }
        out.goto_(prologue);
        out.labelBinding(from);
        Iterator<RegionBlock> blocks = region.blocks().iterator();
        RegionBlock block = blocks.next();
        while (block != null) {
            RegionBlock following = blocks.hasNext() ? blocks.next() : null;
            writeBlock(unit, block, following);
            block = following;
        }
        out.labelBinding(to);
        out.exceptionCatch(from, to, handler, MISS);
        out.exceptionCatch(from, to, handler, FAULT);
        out.exceptionCatch(from, to, handler, SPENT);
        out.labelBinding(handler);
        unit.exits.missedOrSpent();
        if (!exact) {
            Label odd = out.newLabel();
            out.exceptionCatch(from, to, odd, ROUGH);
            out.labelBinding(odd);
            unit.exits.foundRough();
        }
        unit.epilogue();
        out.labelBinding(prologue);
        unit.prologue();
        unit.rehearse();
        writeEntry(out);
    }

    private void writeEntry(CodeBuilder out) {
        if (region.entries().size() > 1) {
            out.iload(Locals.START);
            out.lookupswitch(labels.get(region.entry()), cases(region.entries()));
        } else {
            out.goto_(labels.get(region.entry()));
        }
    }

    private List<SwitchCase> cases(List<RegionBlock> targets) {
        return targets.stream()
                .map(target -> SwitchCase.of(target.start, labels.get(target)))
                .toList();
    }

    private void writeBlock(UnitCode unit, RegionBlock block, RegionBlock following) {
        unit.out.labelBinding(labels.get(block));
        unit.flags.restore(known.getOrDefault(block, FlagEmitter.State.NOTHING));
        startBlock(unit, block);
        if (block.checksBudget) {
            unit.checkBudget(block);
        }
        List<GuestInstruction> instructions = block.instructions;
        unit.charge(instructions.size());
        for (int k = 0; k < instructions.size(); k++) {
            GuestInstruction i = instructions.get(k);
            unit.exits.startInstruction(i, instructions.size() - k);
            if (i.entry.mayMiss(i)) {
                unit.exits.markSite();
            }
            emitter(i).emit(unit, i);
        }
        if (loops.isEmpty()) {
            facts.put(block, unit.xmm.facts());
        }
        writeEnd(unit, block, following);
    }

    /**
     * In front of a loop, tests what the loop would test each time of registers that it does not
     * change.
     */
    private void startBlock(UnitCode unit, RegionBlock block) {
        RegionLoop loop = loops.get(block);
        if (loop == null) {
            unit.startBlock(known(block, 0), usesSlots(block));
        } else {
            DoubleFacts inLoop =
                    loop.blocks().stream()
                            .map(facts::get)
                            .reduce(DoubleFacts.NONE, DoubleFacts::and);
            unit.startBlock(known(block, loop.backEdges()), usesSlots(block));
            unit.enterLoop(block.start, inLoop);
        }
        unit.out.labelBinding(heads.get(block));
    }

    /** At most so many: the stack and locked operands, which use none, are counted, too. */
    private int accessesInSlots() {
        return (int)
                region.blocks().stream()
                        .filter(this::usesSlots)
                        .flatMap(block -> block.instructions.stream())
                        .filter(i -> i.entry.mayMiss(i))
                        .count();
    }

    /** An access that is not repeated would only fill a slot. */
    private boolean usesSlots(RegionBlock block) {
        return block.inLoop || !region.computedTargets().isEmpty();
    }

    private Label label(RegionBlock from, RegionBlock to) {
        return RegionLoop.isBack(from, to) ? heads.get(to) : labels.get(to);
    }

    private Emitter emitter(GuestInstruction i) {
        Emitter quick = exact ? null : QuickDoubles.find(i);
        return quick == null ? i.entry.emitter() : quick;
    }

    private void writeEnd(UnitCode unit, RegionBlock block, RegionBlock following) {
        switch (block.end) {
            case LEAVES -> unit.exits.leaveOn();
            case COMPUTED -> {
                unit.exits.goOnInside(cases(region.computedTargets()));
                Stack.requireCanonical(unit);
                unit.exits.leaveOn();
            }
            case RETURNS -> {
                unit.exits.goOnInside(cases(region.returnTargets()));
                unit.exits.leaveOn();
            }
            case BRANCHES -> writeBranch(unit, block, following);
            case GOES_ON -> goOn(unit, block, following);
        }
    }

    /**
     * A branch back is written as one around a jump: at a jump back the JVM may stop, and what is
     * compared would have to be there for it.
     */
    private void writeBranch(UnitCode unit, RegionBlock block, RegionBlock following) {
        boolean back = block.takenBlock != null && RegionLoop.isBack(block, block.takenBlock);
        Label target =
                block.takenBlock == null || back
                        ? unit.out.newLabel()
                        : label(block, block.takenBlock);
        int condition = block.instructions.getLast().condition();
        unit.flags.jumpIf(back ? condition ^ 1 : condition, target);
        passOn(unit, block.takenBlock);
        if (back) {
            unit.out.goto_(label(block, block.takenBlock)).labelBinding(target);
        }
        goOn(unit, block, following);
        if (block.takenBlock == null) {
            unit.out.labelBinding(target);
            unit.exits.leaveTo(block.taken);
        }
    }

    private void goOn(UnitCode unit, RegionBlock block, RegionBlock following) {
        passOn(unit, block.nextBlock);
        if (block.nextBlock == null) {
            unit.exits.leaveTo(block.next);
        } else if (block.nextBlock != following
                || block.takenBlock == null && block.end == RegionBlock.End.BRANCHES) {
            unit.out.goto_(label(block, block.nextBlock));
        }
    }

    private void passOn(UnitCode unit, RegionBlock to) {
        if (to != null && to.predecessors == 1) {
            known.put(to, unit.flags.state());
        }
        if (to != null) {
            arrivals.merge(to, new Arrival(1, unit.xmm.magnitudes()), Arrival::and);
        }
    }

    /**
     * What all ways to a block know; nothing if one of them comes later.
     *
     * @param others ways that need not be asked
     */
    private Magnitude[] known(RegionBlock block, int others) {
        Arrival arrival = arrivals.get(block);
        return arrival == null || arrival.ways + others < block.predecessors
                ? VectorRegisters.NOTHING_KNOWN
                : arrival.magnitudes;
    }

    /** Ways to a block so far, and what they all know of the halves of vector registers. */
    private record Arrival(int ways, Magnitude[] magnitudes) {
        Arrival and(Arrival other) {
            Magnitude[] both = new Magnitude[magnitudes.length];
            for (int half = 0; half < both.length; half++) {
                both[half] = Magnitude.either(magnitudes[half], other.magnitudes[half]);
            }
            return new Arrival(ways + other.ways, both);
        }
    }
}
