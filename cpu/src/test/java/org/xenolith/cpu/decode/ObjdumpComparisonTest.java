package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.HostRequirement;

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
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Every instruction of programs on this machine, read by us and by binutils' objdump. */
class ObjdumpComparisonTest {
    private static final int SHOWN = 40;
    private static final long SEED = Long.getLong("xenolith.seed", 20250119);
    private static final int USES_PER_ROW = 50;

    private static final byte FWAIT = (byte) 0x9b;

    /** Lines in which objdump tells about something that is no instruction of a real processor. */
    private static final Pattern NOT_COMPARED =
            Pattern.compile(
                    // Data in the text section.
                    ".*\\(bad\\).*|\\.byte .*|(lock"
                            + " )?(rex\\S*|data16|lock|rep\\S*|[cdefgs]s|addr32)"
                            // A SIB byte without a base, scaled nothing.
                            + "|.*\\[[re]iz\\*.*"
                            // Intel ignores 66 on near branches; objdump follows AMD.
                            + "|(jmpw|callw|retw) .*|retw"
                            // Far branches with REX.W have 80-bit pointers at Intel.
                            + "|(jmp|call) F?WORD PTR .*"
                            // Names that only coprocessors of the eighties knew.
                            + "|.*\\((8087|287) only\\)"
                            // MPX is gone from processors: its encodings are no-operations again.
                            + "|bnd(ldx|stx|mov|cl|cu|cn|mk) .*"
                            // Code segment as a destination, segment registers 6 and 7.
                            + "|mov .*(cs,|\\?).*");

    private static final Set<String> KNOWN_MNEMONICS =
            OpcodeTable.rows().stream().map(OpcodeRow::mnemonic).collect(Collectors.toSet());

    private final byte[] buffer = new byte[2 * Decoder.MAX_LENGTH];
    private final Instruction instruction = new Instruction();
    private final List<String> differences = new ArrayList<>();
    private long compared;
    private long unknown;
    private long skipped;

    static List<Path> systemPrograms() {
        return installed("/bin/bash", "/bin/sh", "/bin/busybox", "/lib/x86_64-linux-gnu/libc.so.6");
    }

    @ParameterizedTest
    @MethodSource("systemPrograms")
    void readsSystemProgramsAsObjdumpDoes(Path program) throws Exception {
        compareAll(program);
    }

    static List<Path> largePrograms() {
        return installed(
                "/lib/x86_64-linux-gnu/libcrypto.so.3",
                "/lib/x86_64-linux-gnu/libstdc++.so.6",
                "/lib/x86_64-linux-gnu/libm.so.6",
                "/usr/bin/python3",
                "/usr/bin/perl",
                "/usr/lib/gcc/x86_64-linux-gnu/12/cc1");
    }

    /** Those that this machine has; if it has none, the first, for the test to say so. */
    private static List<Path> installed(String... programs) {
        List<Path> found = Arrays.stream(programs).map(Path::of).filter(Files::isReadable).toList();
        return found.isEmpty() ? List.of(Path.of(programs[0])) : found;
    }

    @Tag("proof")
    @ParameterizedTest
    @MethodSource("largePrograms")
    void readsLargeProgramsAsObjdumpDoes(Path program) throws Exception {
        compareAll(program);
    }

    /** Set the system property {@code xenolith.vmlinux} to an unpacked kernel. */
    @Tag("proof")
    @ParameterizedTest
    @ValueSource(strings = "xenolith.vmlinux")
    void readsTheKernelAsObjdumpDoes(String property) throws Exception {
        String kernel = System.getProperty(property);
        assumeTrue(kernel != null, "SKIPPED: -D" + property + " names no kernel");
        compareAll(Path.of(kernel));
    }

    /** Programs seldom use some of them: random uses of every vector row, CRC32 and MOVBE. */
    @Test
    void readsEveryVectorRowAsObjdumpDoes(@TempDir Path directory) throws Exception {
        System.out.println("vector rows for objdump: -Dxenolith.seed=" + SEED);
        Random random = new Random(SEED);
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (OpcodeRow row : OpcodeTable.rows()) {
            if (row.has(OpcodeRow.SIMD) || row.mnemonic().matches("crc32|movbe")) {
                for (int i = 0; i < USES_PER_ROW; i++) {
                    code.writeBytes(randomUse(row, random));
                }
            }
        }
        Path image = Files.write(directory.resolve("rows.bin"), code.toByteArray());
        compareAll(image, "-D", "-b", "binary", "-m", "i386:x86-64");
        assertThat(unknown).as("rows that are undefined to us").isZero();
    }

    private byte[] randomUse(OpcodeRow row, Random random) {
        byte[] code = new byte[2 * Decoder.MAX_LENGTH];
        while (true) {
            random.nextBytes(code);
            byte[] opcode = opcodeBytes(row, random);
            System.arraycopy(opcode, 0, code, 0, opcode.length);
            int length = Decoder.decode(code, 0, code.length, instruction);
            if (length > 0 && instruction.row == row) {
                return Arrays.copyOf(code, length);
            }
        }
    }

    private static byte[] opcodeBytes(OpcodeRow row, Random random) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String encoding = row.encoding().replace("NP ", "");
        int rex = random.nextInt(2) == 0 ? 0 : 0x40 | random.nextInt(8);
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

    private void compareAll(Path program) throws IOException, InterruptedException {
        compareAll(program, "-d");
    }

    private void compareAll(Path program, String... options)
            throws IOException, InterruptedException {
        HostRequirement.linuxOnX86();
        if (!Files.isReadable(program)) {
            HostRequirement.missing(program.toString());
        }
        if (!objdumpIsInstalled()) {
            HostRequirement.missing("objdump (package binutils)");
        }
        List<String> command = new ArrayList<>(List.of("objdump", "-w", "--insn-width=16"));
        command.addAll(List.of("-M", "intel"));
        command.addAll(List.of(options));
        command.add(program.toString());
        Process objdump =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader output = objdump.inputReader()) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                ObjdumpLine parsed = ObjdumpLine.parse(line);
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
        if (NOT_COMPARED.matcher(line.text()).matches()) {
            skipped++;
            return;
        }
        // objdump takes FWAIT for a prefix of the x87 instruction behind it.
        int start = line.bytes()[0] == FWAIT && line.bytes().length > 1 ? 1 : 0;
        int expectedLength = line.bytes().length - start;
        Arrays.fill(buffer, (byte) 0);
        System.arraycopy(line.bytes(), start, buffer, 0, expectedLength);
        int length = Decoder.decode(buffer, 0, buffer.length, instruction);
        if (instruction.row == null) {
            countUnknown(line, printed);
            return;
        }
        String text = Disassembler.disassemble(instruction, line.vaddr()).replaceFirst(" #.*", "");
        if (start == 1) {
            text = text.replaceFirst("^fn", "f");
        }
        if (length == expectedLength && text.equals(line.text())) {
            compared++;
        } else {
            report(printed + "  but we read  " + text + ", " + length + " bytes");
        }
    }

    private void countUnknown(ObjdumpLine line, String printed) {
        if (KNOWN_MNEMONICS.contains(line.mnemonic()) && !isIllegalLock(line)) {
            report(printed + "  but to us it is undefined");
        } else {
            unknown++;
        }
    }

    /** objdump shows a LOCK prefix also where the manual says that it raises #UD. */
    private static boolean isIllegalLock(ObjdumpLine line) {
        String destination = line.text().replaceFirst(",.*", "");
        boolean legal = LockPrefix.isAllowed(line.mnemonic()) && destination.endsWith("]");
        return line.text().startsWith("lock ") && !legal;
    }

    private void report(String difference) {
        if (differences.size() < SHOWN) {
            differences.add(difference);
        }
    }
}
