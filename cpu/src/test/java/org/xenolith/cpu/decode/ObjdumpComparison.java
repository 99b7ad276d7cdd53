package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.host.HostNeeds;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Instructions of a program or image, read by us and by binutils' objdump. */
final class ObjdumpComparison {
    private static final int SHOWN = 40;
    private static final int USES_PER_ROW = 50;

    private static final byte FWAIT = (byte) 0x9b;

    /** Lines in which objdump tells about something that is no instruction of a real processor. */
    private static final String NEVER_COMPARED =
            // Data in the text section.
            ".*\\(bad\\).*|\\.byte .*|(lock"
                    + " )?(rex\\S*|data16|lock|rep\\S*|[cdefgs]s|addr(16|32))"
                    // Names that only coprocessors of the eighties knew.
                    + "|.*\\((8087|287) only\\)"
                    // MPX is gone from processors: its encodings are no-operations again.
                    + "|bnd(ldx|stx|mov|cl|cu|cn|mk) .*"
                    // Code segment as a destination, segment registers 6 and 7.
                    + "|mov .*(cs,|\\?).*";

    private static final Pattern NOT_COMPARED_64 =
            Pattern.compile(
                    NEVER_COMPARED
                            // A SIB byte without a base, scaled nothing.
                            + "|.*\\[[re]iz\\*.*"
                            // Intel ignores 66 on near branches; objdump follows AMD.
                            + "|(jmpw|callw|retw) .*|retw"
                            // Far branches with REX.W have 80-bit pointers at Intel.
                            + "|(jmp|call) F?WORD PTR .*");

    private static final Pattern NOT_COMPARED_32 =
            Pattern.compile(
                    NEVER_COMPARED
                            // Test registers went with the 486; other control registers never were.
                            + "|mov (.*,)?(tr\\d|cr[15679])\\b.*"
                            // A later processor's name for a no-operation.
                            + "|cldemote .*");

    private static final Set<String> KNOWN_MNEMONICS =
            OpcodeTable.rows().stream().map(OpcodeRow::mnemonic).collect(Collectors.toSet());

    private final CodeSize size;
    private final Pattern notCompared;
    private final byte[] buffer = new byte[2 * Decoder.MAX_LENGTH];
    private final Instruction instruction = new Instruction();
    private final List<String> differences = new ArrayList<>();
    private long compared;
    private long unknown;
    private long skipped;

    ObjdumpComparison(CodeSize size) {
        this.size = size;
        notCompared =
                switch (size) {
                    case CODE_64 -> NOT_COMPARED_64;
                    case CODE_32 -> NOT_COMPARED_32;
                };
    }

    /** Those that this machine has; if it has none, the first, for the test to say so. */
    static List<Path> installed(String... programs) {
        List<Path> found = Arrays.stream(programs).map(Path::of).filter(Files::isReadable).toList();
        return found.isEmpty() ? List.of(Path.of(programs[0])) : found;
    }

    /** Instructions that objdump has a name for and we have not. */
    long unknown() {
        return unknown;
    }

    /** Random uses of the rows that a test picks, each {@link #USES_PER_ROW} times. */
    byte[] randomUses(Predicate<OpcodeRow> rows, Random random) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (OpcodeRow row : OpcodeTable.rows()) {
            if (row.existsIn(size) && rows.test(row)) {
                for (int i = 0; i < USES_PER_ROW; i++) {
                    code.writeBytes(randomUse(row, random));
                }
            }
        }
        return code.toByteArray();
    }

    private byte[] randomUse(OpcodeRow row, Random random) {
        byte[] code = new byte[2 * Decoder.MAX_LENGTH];
        while (true) {
            random.nextBytes(code);
            byte[] opcode = opcodeBytes(row, random);
            System.arraycopy(opcode, 0, code, 0, opcode.length);
            int length = Decoder.decode(size, code, 0, code.length, instruction);
            if (length > 0 && instruction.row == row) {
                return Arrays.copyOf(code, length);
            }
        }
    }

    private byte[] opcodeBytes(OpcodeRow row, Random random) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String encoding = row.encoding().replace("NP ", "");
        int rex = size == CodeSize.CODE_32 || random.nextInt(2) == 0 ? 0 : 0x40 | random.nextInt(8);
        boolean rexPlaced = false;
        for (String word : encoding.split(" ")) {
            if (word.equals("REX.W")) {
                rex |= 0x48;
            } else if (word.matches("[0-9A-F]{2}")) {
                if (word.equals("0F") && rex != 0 && !rexPlaced) {
                    bytes.write(rex);
                    rexPlaced = true;
                }
                bytes.write(Integer.parseInt(word, 16));
            }
        }
        return bytes.toByteArray();
    }

    /** Compares what objdump finds in the text sections of a program. */
    void compareProgram(Path program) throws IOException, InterruptedException {
        compareAll(program, "-d");
    }

    /** Compares a file that holds nothing but instructions. */
    void compareImage(Path image) throws IOException, InterruptedException {
        String machine =
                switch (size) {
                    case CODE_64 -> "i386:x86-64";
                    case CODE_32 -> "i386";
                };
        compareAll(image, "-D", "-b", "binary", "-m", machine);
    }

    private void compareAll(Path program, String... options)
            throws IOException, InterruptedException {
        HostNeeds.skipWithoutLinuxOnX86();
        HostNeeds.require(Files.isReadable(program), program.toString());
        HostNeeds.require(objdumpIsInstalled(), "objdump (package binutils)");
        List<String> command = new ArrayList<>(List.of("objdump", "-w", "--insn-width=16"));
        command.addAll(List.of("-M", "intel"));
        command.addAll(List.of(options));
        command.add(program.toString());
        Process objdump =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader output = objdump.inputReader()) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                ObjdumpLine parsed = ObjdumpLine.parse(line, size);
                if (parsed != null) {
                    compare(parsed, line);
                }
            }
        }
        assertThat(objdump.waitFor()).as("exit status of %s", command).isZero();
        System.out.printf(
                "%s: %,d instructions alike, %,d unknown to us on purpose, %,d not compared%n",
                program, compared, unknown, skipped);
        assertThat(differences).as("instructions that we and objdump read differently").isEmpty();
        assertThat(compared).as("instructions compared").isPositive();
    }

    private static boolean objdumpIsInstalled() {
        return Arrays.stream(System.getenv("PATH").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "objdump")));
    }

    private void compare(ObjdumpLine line, String printed) {
        // objdump takes FWAIT for a prefix of the x87 instruction behind it.
        int start = behindWaits(line.bytes());
        if (notCompared.matcher(line.text()).matches()
                || isPrefixedWait(line.bytes(), start)
                || isMisreadProduct(line)) {
            skipped++;
            return;
        }
        int expectedLength = line.bytes().length - start;
        Arrays.fill(buffer, (byte) 0);
        System.arraycopy(line.bytes(), start, buffer, 0, expectedLength);
        int length = Decoder.decode(size, buffer, 0, buffer.length, instruction);
        if (instruction.row == null) {
            countUnknown(line, printed);
            return;
        }
        String text = Disassembler.disassemble(instruction, line.vaddr()).replaceFirst(" #.*", "");
        if (start > 0) {
            text = text.replaceFirst("^fn", "f");
        }
        if (length == expectedLength && text.equals(line.text())) {
            compared++;
        } else {
            report(printed + "  but we read  " + text + ", " + length + " bytes");
        }
    }

    /** objdump takes the immediates 2 and 3 for 10 and 11. */
    private static boolean isMisreadProduct(ObjdumpLine line) {
        byte[] bytes = line.bytes();
        return line.mnemonic().startsWith("pclmul") && (bytes[bytes.length - 1] & ~1) == 2;
    }

    /** Where the instruction behind leading FWAITs begins; 0 if nothing is behind them. */
    private static int behindWaits(byte[] bytes) {
        int start = 0;
        while (start < bytes.length - 1 && bytes[start] == FWAIT) {
            start++;
        }
        return start;
    }

    /** Whether prefixes from {@code start} on belong to a FWAIT, or to nothing that is shown. */
    private static boolean isPrefixedWait(byte[] bytes, int start) {
        int i = start;
        while (i < bytes.length && isPrefix(bytes[i])) {
            i++;
        }
        return i > start && (i == bytes.length || bytes[i] == FWAIT);
    }

    private static boolean isPrefix(byte b) {
        return switch (b & 0xff) {
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
            default -> false;
        };
    }

    private void countUnknown(ObjdumpLine line, String printed) {
        if (KNOWN_MNEMONICS.contains(line.mnemonic()) && !isIllegalLock(line)) {
            report(printed + "  but to us it is undefined");
        } else {
            unknown++;
        }
    }

    /** objdump shows a LOCK prefix also where the manual says that it raises #UD. */
    private boolean isIllegalLock(ObjdumpLine line) {
        String destination = line.text().replaceFirst(",.*", "");
        boolean legal = LockPrefix.isAllowed(line.mnemonic()) && destination.contains(" PTR ");
        return instruction.lock && !legal;
    }

    private void report(String difference) {
        if (differences.size() < SHOWN) {
            differences.add(difference);
        }
    }
}
