package org.xenolith.cpu.oracle;

import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.devices.host.HostNeeds;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs machine code on the host's own processor, in a child process built from host-cpu.c with gcc.
 *
 * <p>Code runs at {@link #CODE_BASE} (plus an offset), with user privilege, until it falls off its
 * end or raises an exception; the bytes around it are INT3. It may use the window {@link
 * #WINDOW_BASE} to {@link #WINDOW_END}; the pages before and after the window are not mapped. Not
 * thread-safe.
 */
public final class HostCpu implements AutoCloseable {
    public static final long WINDOW_BASE = 0x1000_0000L;
    public static final int WINDOW_SIZE = 0x2000;

    /** First byte of the unmapped page after the window. */
    public static final long WINDOW_END = WINDOW_BASE + WINDOW_SIZE;

    public static final long CODE_BASE = 0x2000_0000L;
    public static final int CODE_SIZE = 0x2000;

    private static final int REQUEST_HEADER = 24, REPLY_HEADER = 32;
    private static final int BATCH_BYTES = 4 << 20;
    private static final byte[] NOTHING = {};
    private static final byte INT3 = (byte) 0xcc;

    private final Path directory;
    private final Process process;
    private final OutputStream requests;
    private final DataInputStream replies;

    /**
     * What to run.
     *
     * @param codeOffset where the code starts, in bytes from {@link #CODE_BASE}
     * @param memoryOffset where {@code memory} goes, in bytes from {@link #WINDOW_BASE}; the rest
     *     of the window is 0
     * @param size of the code; 32-bit code has the first eight registers
     */
    public record Program(
            byte[] code,
            int codeOffset,
            MachineState before,
            int memoryOffset,
            byte[] memory,
            CodeSize size) {
        public Program(
                byte[] code, int codeOffset, MachineState before, int memoryOffset, byte[] memory) {
            this(code, codeOffset, before, memoryOffset, memory, CodeSize.CODE_64);
        }

        public Program(byte[] code, MachineState before) {
            this(code, 0, before, 0, NOTHING);
        }

        public Program(byte[] code, MachineState before, int memoryOffset, byte[] memory) {
            this(code, 0, before, memoryOffset, memory);
        }
    }

    /**
     * What came of it.
     *
     * @param signal Linux signal number, or 0 if the code ran to its end
     * @param signalCode {@code si_code}
     * @param signalAddress {@code si_addr}
     * @param vector number of the processor's exception, meaningful with a signal; see {@link
     *     org.xenolith.cpu.Vector}
     * @param errorCode what the exception pushed, or 0
     * @param cr2 address of a page fault
     * @param after registers at the end, or at the exception
     * @param memory the part of the window that the program filled, as it is afterwards
     */
    public record Outcome(
            int signal,
            int signalCode,
            long signalAddress,
            int vector,
            int errorCode,
            long cr2,
            MachineState after,
            byte[] memory) {
        public boolean faulted() {
            return signal != 0;
        }
    }

    private HostCpu(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
        this.requests = process.getOutputStream();
        this.replies = new DataInputStream(process.getInputStream());
    }

    /**
     * The {@link #CODE_SIZE} bytes from {@link #CODE_BASE} before code is put there: operands may
     * lie in them.
     */
    static byte[] emptyCode() {
        byte[] bytes = new byte[CODE_SIZE];
        Arrays.fill(bytes, INT3);
        return bytes;
    }

    /**
     * Builds and starts the child. Where that cannot work the calling test is skipped, or fails,
     * see {@link HostNeeds}.
     */
    public static HostCpu startOrSkip() {
        HostNeeds.skipWithoutLinuxOnX86();
        try {
            Path directory = Files.createTempDirectory("host-cpu");
            Path source = directory.resolve("host-cpu.c"), binary = directory.resolve("host-cpu");
            try (InputStream in = HostCpu.class.getResourceAsStream("host-cpu.c")) {
                Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
            }
            try {
                compile(source, binary);
            } catch (IOException noCompiler) {
                deleteAll(directory);
                return HostNeeds.missing("gcc", noCompiler);
            }
            Process process =
                    new ProcessBuilder(binary.toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            return new HostCpu(directory, process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compile(Path source, Path binary) throws IOException {
        Process gcc =
                new ProcessBuilder(
                                "gcc",
                                "-O1",
                                "-mno-red-zone",
                                "-o",
                                binary.toString(),
                                source.toString())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(gcc.getInputStream().readAllBytes());
        try {
            if (gcc.waitFor() != 0) {
                throw new IllegalStateException("gcc refused " + source + ":\n" + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while gcc ran", e);
        }
    }

    public Outcome run(Program program) {
        return run(List.of(program)).getFirst();
    }

    /**
     * Runs the programs one after the other, each from its own state. The outcomes are in the same
     * order.
     */
    public List<Outcome> run(List<Program> programs) {
        List<Outcome> outcomes = new ArrayList<>(programs.size());
        for (int from = 0; from < programs.size(); ) {
            int to = from;
            for (int size = 0; to < programs.size() && size < BATCH_BYTES; to++) {
                size += requestSize(programs.get(to));
            }
            runBatch(programs.subList(from, to), outcomes);
            from = to;
        }
        return outcomes;
    }

    private void runBatch(List<Program> programs, List<Outcome> outcomes) {
        int requestBytes = 0, replyBytes = 0;
        for (Program program : programs) {
            requestBytes += requestSize(program);
            replyBytes += REPLY_HEADER + MachineState.SIZE + program.memory.length;
        }
        ByteBuffer out = littleEndian(new byte[12 + requestBytes]);
        out.putInt(programs.size()).putInt(requestBytes).putInt(replyBytes);
        programs.forEach(program -> putRequest(out, program));
        byte[] in = new byte[replyBytes];
        try {
            requests.write(out.array());
            requests.flush();
            replies.readFully(in);
        } catch (IOException e) {
            throw new UncheckedIOException("the oracle's process is gone: " + process, e);
        }
        ByteBuffer reply = littleEndian(in);
        for (Program program : programs) {
            outcomes.add(getReply(reply, program.memory.length));
        }
    }

    private static int requestSize(Program program) {
        return REQUEST_HEADER + MachineState.SIZE + program.code.length + program.memory.length;
    }

    private static void putRequest(ByteBuffer out, Program program) {
        out.putInt(program.codeOffset).putInt(program.code.length);
        out.putInt(program.memoryOffset).putInt(program.memory.length);
        out.putInt(program.size == CodeSize.CODE_64 ? 64 : 32).putInt(0);
        program.before.writeTo(out);
        out.put(program.code).put(program.memory);
    }

    private static Outcome getReply(ByteBuffer in, int memoryLength) {
        int signal = in.getInt(), signalCode = in.getInt();
        long signalAddress = in.getLong();
        int vector = in.getInt(), errorCode = in.getInt();
        long cr2 = in.getLong();
        MachineState after = MachineState.readFrom(in);
        byte[] memory = new byte[memoryLength];
        in.get(memory);
        return new Outcome(
                signal, signalCode, signalAddress, vector, errorCode, cr2, after, memory);
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Whether the processor has the feature of that name in /proc/cpuinfo, such as {@code sse4_2}.
     */
    public static boolean hasFeature(String name) {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line -> (" " + line + " ").contains(" " + name + " "))
                    .orElse(false);
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            requests.close();
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            deleteAll(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private static void deleteAll(Path directory) throws IOException {
        for (String name : List.of("host-cpu.c", "host-cpu")) {
            Files.deleteIfExists(directory.resolve(name));
        }
        Files.deleteIfExists(directory);
    }
}
