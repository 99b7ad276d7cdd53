package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;

final class SymbolsTest {
    private static final long BASE = 0xffff_ffff_8100_0000L;

    /** More than two markers' worth. */
    private static final int FUNCTIONS = 700;

    // ---- Linux's table ----

    /** Where the parts stand: by version of the kernel. */
    private enum Layout {
        BEFORE_6_2,
        BEFORE_6_4,
        TODAY
    }

    /** As scripts/kallsyms writes it, with each character a token of its own. */
    private static byte[] kernel(Layout layout) {
        ByteBuffer out = ByteBuffer.allocate(1 << 18).order(ByteOrder.LITTLE_ENDIAN);
        byte[] noise = new byte[4096];
        new Random(1).nextBytes(noise);
        out.put(noise);
        if (layout != Layout.TODAY) {
            offsets(out);
        }
        out.putInt(FUNCTIONS).putInt(0);
        int names = out.position();
        int[] markers = new int[(FUNCTIONS + 255) / 256];
        for (int i = 0; i < FUNCTIONS; i++) {
            if (i % 256 == 0) {
                markers[i / 256] = out.position() - names;
            }
            byte[] name = ((i % 3 == 0 ? "t" : "T") + name(i)).getBytes(StandardCharsets.US_ASCII);
            if (name.length < 0x80) {
                out.put((byte) name.length);
            } else {
                out.put((byte) (name.length & 0x7f | 0x80)).put((byte) (name.length >>> 7));
            }
            out.put(name);
        }
        align(out);
        for (int marker : markers) {
            out.putInt(marker);
        }
        align(out);
        if (layout == Layout.BEFORE_6_4) {
            out.put(new byte[3 * FUNCTIONS]);
            align(out);
        }
        tokens(out);
        if (layout == Layout.TODAY) {
            offsets(out);
        }
        out.put(noise);
        return java.util.Arrays.copyOf(out.array(), out.position());
    }

    private static String name(int i) {
        return i == 300 ? "long_".repeat(40) : "function_" + i;
    }

    /**
     * Per-CPU symbols stand for themselves, others are relative to the base, until they all are.
     */
    private static void offsets(ByteBuffer out) {
        for (int i = 0; i < FUNCTIONS; i++) {
            out.putInt(i == 0 ? 0x500 : -1 - i * 0x40);
        }
        align(out);
        out.putLong(BASE);
    }

    private static void tokens(ByteBuffer out) {
        int table = out.position();
        short[] index = new short[256];
        for (int c = 0; c < 256; c++) {
            index[c] = (short) (out.position() - table);
            out.put((byte) (c == 0 ? 1 : c)).put((byte) 0);
        }
        align(out);
        for (short place : index) {
            out.putShort(place);
        }
    }

    private static void align(ByteBuffer out) {
        out.position(out.position() + 7 & -8);
    }

    @ParameterizedTest
    @EnumSource
    void tableOfLinuxIsFoundInItsImage(Layout layout) {
        List<ElfImage.Symbol> symbols = Kallsyms.find(kernel(layout));
        assertThat(symbols).hasSize(FUNCTIONS - 1); // the first is a per-CPU variable
        assertThat(symbols.get(0).name()).isEqualTo("function_1");
        assertThat(symbols.get(0).vaddr()).isEqualTo(BASE + 0x40);
        assertThat(symbols.get(299).name()).hasSize(200);
        assertThat(symbols.getLast().name()).isEqualTo("function_699");
    }

    @Test
    void imageWithoutATableHasNoSymbols() {
        assertThat(Kallsyms.find(new byte[1 << 16])).isEmpty();
        byte[] random = new byte[1 << 16];
        new Random(2).nextBytes(random);
        assertThat(Kallsyms.find(random)).isEmpty();
        assertThat(Kallsyms.find(new byte[3])).isEmpty();
    }

    @Test
    void damagedTableNeverDoesMoreThanLoseSymbols() {
        Random random = new Random(3);
        byte[] whole = kernel(Layout.BEFORE_6_4);
        for (int i = 0; i < 300; i++) {
            byte[] damaged = whole.clone();
            for (int hit = 0; hit < 40; hit++) {
                damaged[4096 + random.nextInt(whole.length - 8192)] = (byte) random.nextInt();
            }
            byte[] cut = java.util.Arrays.copyOf(damaged, random.nextInt(damaged.length));
            assertThat(Kallsyms.find(damaged).size()).isLessThan(FUNCTIONS);
            assertThat(Kallsyms.find(cut).size()).isLessThan(FUNCTIONS);
        }
    }

    /** Thousands of tables of tokens, each behind megabytes that could hold its names. */
    @Test
    void searchOfAFileMadeOfBeginningsOfTablesEnds() {
        ByteBuffer out = ByteBuffer.allocate(16 << 20).order(ByteOrder.LITTLE_ENDIAN);
        out.position(8 << 20);
        while (out.remaining() > 1024) {
            for (int digit = 0; digit < 10; digit++) {
                out.put((byte) ('0' + digit)).put((byte) 0);
            }
            align(out);
            for (int token = 0; token < 256; token++) {
                out.putShort((short) (2 * token));
            }
        }
        assertTimeoutPreemptively(
                Duration.ofSeconds(5), () -> assertThat(Kallsyms.find(out.array())).isEmpty());
    }

    // ---- looking up ----

    @Test
    void addressBelongsToTheFunctionBeforeIt() {
        Symbols symbols =
                Symbols.of(
                        List.of(
                                new ElfImage.Symbol("late", BASE + 0x100, 0),
                                new ElfImage.Symbol("early", BASE, 0)));
        assertThat(symbols.at(BASE)).isEqualTo("early");
        assertThat(symbols.at(BASE + 0xff)).isEqualTo("early+0xff");
        assertThat(symbols.at(BASE + 0x100)).isEqualTo("late");
        assertThat(symbols.at(BASE - 1)).isEmpty();
        assertThat(symbols.at(BASE + (1 << 20))).as("far behind the last").isEmpty();
        assertThat(symbols.at(0x40_0000)).as("a process").isEmpty();
        assertThat(Symbols.NONE.at(BASE)).isEmpty();
    }
}
