package org.xenolith.cpu.semantics.simd;

import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_ALL;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_BYTES_BY_MASK;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_DOUBLE;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_FLOAT;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_HIGH_TO_LOW;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW_AND_CLEAR;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_LOW_TO_HIGH;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_NOTHING;
import static org.xenolith.cpu.semantics.simd.Semantics.MoveKind.MOVE_ZERO_EXTEND;

import org.xenolith.cpu.decode.SimdOpcodes;
import org.xenolith.cpu.semantics.simd.Semantics.MoveKind;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The function that each MMX and SSE row of {@link SimdOpcodes} is bound to, by its mnemonic. SDM
 * vol. 2. A form that computes something else than the mnemonic's other forms has a name of its
 * own, see {@link SimdRow#form}.
 */
public final class SimdTable {
    private static final Semantics TRUNCATE_FLOAT =
            new Semantics.ToInteger(
                    (b, m) -> SseConvert.cvttss2si32((int) b, m),
                    (b, m) -> SseConvert.cvttss2si64((int) b, m));
    private static final Semantics ROUND_FLOAT =
            new Semantics.ToInteger(
                    (b, m) -> SseConvert.cvtss2si32((int) b, m),
                    (b, m) -> SseConvert.cvtss2si64((int) b, m));
    private static final Semantics TRUNCATE_DOUBLE =
            new Semantics.ToInteger(SseConvert::cvttsd2si32, SseConvert::cvttsd2si64);
    private static final Semantics ROUND_DOUBLE =
            new Semantics.ToInteger(SseConvert::cvtsd2si32, SseConvert::cvtsd2si64);

    private static final Semantics.FloatHalfOp ZERO = (al, ah, bl, bh, imm, m) -> 0;
    private static final Semantics.FloatHalfOp KEEP_HIGH = (al, ah, bl, bh, imm, m) -> ah;
    private static final Semantics.FloatHalfOp FIRST_INTEGER_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtsi2sd((int) bl);
    private static final Semantics.FloatHalfOp SECOND_INTEGER_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtsi2sd((int) (bl >>> 32));
    private static final Semantics.FloatHalfOp FIRST_FLOAT_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtss2sd((int) bl, m);
    private static final Semantics.FloatHalfOp SECOND_FLOAT_TO_DOUBLE =
            (al, ah, bl, bh, imm, m) -> SseConvert.cvtss2sd((int) (bl >>> 32), m);

    private static final Semantics.FloatHalfOp DPPS_LOW =
            (al, ah, bl, bh, imm, m) -> SseFloat.dppsPair(al, ah, bl, bh, imm, imm, m);
    private static final Semantics.FloatHalfOp DPPS_HIGH =
            (al, ah, bl, bh, imm, m) -> SseFloat.dppsPair(al, ah, bl, bh, imm, imm >>> 2, m);
    private static final Semantics.FloatHalfOp DPPD_LOW =
            (al, ah, bl, bh, imm, m) -> SseDouble.dppd(al, ah, bl, bh, imm, m) * (imm >>> 0 & 1);
    private static final Semantics.FloatHalfOp DPPD_HIGH =
            (al, ah, bl, bh, imm, m) -> SseDouble.dppd(al, ah, bl, bh, imm, m) * (imm >>> 1 & 1);

    /**
     * Bindings asked for so far. A boot uses a fifth of them, and to link a function takes far
     * longer than to look it up.
     */
    private static final Map<String, Semantics> BINDINGS = new ConcurrentHashMap<>();

    private static final List<SimdRow> ROWS = readRows();
    private static final Map<String, SimdRow> BY_KEY =
            ROWS.stream().collect(Collectors.toUnmodifiableMap(SimdRow::key, row -> row));

    private SimdTable() {}

    /** All rows, in the order of the tables. */
    public static List<SimdRow> rows() {
        return ROWS;
    }

    /**
     * The row of a decoder's row, or null.
     *
     * @param operands anything whose toString() is the operand code
     */
    public static SimdRow find(String encoding, String mnemonic, List<?> operands) {
        return BY_KEY.get(SimdRow.key(encoding, mnemonic, operands));
    }

    /** The function of a row: that of its form if it has its own, else that of its mnemonic. */
    static Semantics semantics(SimdRow row) {
        String form = row.mnemonic() + row.form();
        Semantics semantics = BINDINGS.computeIfAbsent(form, SimdTable::bind);
        if (semantics == null) {
            semantics = BINDINGS.computeIfAbsent(row.mnemonic(), SimdTable::bind);
        }
        if (semantics == null) {
            throw new IllegalStateException("no function is bound to " + row);
        }
        return semantics;
    }

    private static List<SimdRow> readRows() {
        List<SimdRow> rows = new ArrayList<>();
        for (SimdOpcodes.Extension extension : SimdOpcodes.EXTENSIONS) {
            extension
                    .rows()
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(line -> rows.add(SimdRow.parse(line, extension.feature())));
        }
        return List.copyOf(rows);
    }

    private static Semantics bind(String name) {
        return Stream.<Function<String, Semantics>>of(
                        SimdTable::sse2,
                        SimdTable::sse3,
                        SimdTable::ssse3,
                        SimdTable::sse41,
                        SimdTable::sse42,
                        SimdTable::ciphers,
                        SimdTable::digests)
                .map(section -> section.apply(name))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private static Semantics sse2(String name) {
        return switch (name) {
            case "movups" -> move(MOVE_ALL);
            case "movupd" -> move(MOVE_ALL);
            case "movss" -> move(MOVE_FLOAT);
            case "movsd" -> move(MOVE_DOUBLE);
            case "movlps" -> move(MOVE_LOW);
            case "movhlps" -> move(MOVE_HIGH_TO_LOW);
            case "movlpd" -> move(MOVE_LOW);
            case "unpcklps" -> interleaveLow(PackedPack::punpckldq, PackedPack::punpckhdq);
            case "unpcklpd" -> move(MOVE_LOW_TO_HIGH);
            case "unpckhps" -> interleaveHigh(PackedPack::punpckldq, PackedPack::punpckhdq);
            case "unpckhpd" -> cross((al, ah, bl, bh, imm) -> ah, (al, ah, bl, bh, imm) -> bh);
            case "movhps" -> move(MOVE_LOW_TO_HIGH);
            case "movhps.store" -> move(MOVE_HIGH_TO_LOW);
            case "movlhps" -> move(MOVE_LOW_TO_HIGH);
            case "movhpd" -> move(MOVE_LOW_TO_HIGH);
            case "movhpd.store" -> move(MOVE_HIGH_TO_LOW);
            case "movaps" -> move(MOVE_ALL);
            case "movapd" -> move(MOVE_ALL);
            case "movntps" -> move(MOVE_ALL);
            case "movntpd" -> move(MOVE_ALL);
            case "movmskps" -> extract((bl, bh, imm) -> PackedShuffle.movmskps(bl, bh));
            case "movmskpd" -> extract((bl, bh, imm) -> PackedShuffle.movmskpd(bl, bh));
            case "cvtpi2ps" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtdq2ps(bl, m), KEEP_HIGH);
            case "cvtpi2pd" -> crossFloat(FIRST_INTEGER_TO_DOUBLE, SECOND_INTEGER_TO_DOUBLE);
            case "cvtsi2ss" -> integerToFloat(SseConvert::cvtsi2ss);
            case "cvtsi2sd" -> integerToDouble(SseConvert::cvtsi2sd);
            case "cvttps2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttps2dq(bl, m), ZERO);
            case "cvttpd2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttpd2dq(bl, bh, m), ZERO);
            case "cvttss2si" -> TRUNCATE_FLOAT;
            case "cvttsd2si" -> TRUNCATE_DOUBLE;
            case "cvtps2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtps2dq(bl, m), ZERO);
            case "cvtpd2pi" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2dq(bl, bh, m), ZERO);
            case "cvtss2si" -> ROUND_FLOAT;
            case "cvtsd2si" -> ROUND_DOUBLE;
            case "ucomiss" -> compareFloat(SseFloat::ucomiss);
            case "ucomisd" -> compareDouble(SseDouble::ucomisd);
            case "comiss" -> compareFloat(SseFloat::comiss);
            case "comisd" -> compareDouble(SseDouble::comisd);
            case "cvtps2pd" -> crossFloat(FIRST_FLOAT_TO_DOUBLE, SECOND_FLOAT_TO_DOUBLE);
            case "cvtpd2ps" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2ps(bl, bh, m), ZERO);
            case "cvtss2sd" -> new Semantics.FloatToDouble(SseConvert::cvtss2sd);
            case "cvtsd2ss" -> doubleToFloat(SseConvert::cvtsd2ss);
            case "cvtdq2ps" -> packedDouble((a, b, m) -> SseConvert.cvtdq2ps(b, m));
            case "cvtps2dq" -> packedDouble((a, b, m) -> SseConvert.cvtps2dq(b, m));
            case "cvttps2dq" -> packedDouble((a, b, m) -> SseConvert.cvttps2dq(b, m));
            case "cvttpd2dq" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvttpd2dq(bl, bh, m), ZERO);
            case "cvtdq2pd" -> crossFloat(FIRST_INTEGER_TO_DOUBLE, SECOND_INTEGER_TO_DOUBLE);
            case "cvtpd2dq" ->
                    crossFloat((al, ah, bl, bh, imm, m) -> SseConvert.cvtpd2dq(bl, bh, m), ZERO);
            case "sqrtps" -> packedFloat((a, b, m) -> SseFloat.sqrtss(b, m));
            case "sqrtpd" -> packedDouble((a, b, m) -> SseDouble.sqrtsd(b, m));
            case "sqrtss" -> scalarFloat((a, b, m) -> SseFloat.sqrtss(b, m));
            case "sqrtsd" -> scalarDouble((a, b, m) -> SseDouble.sqrtsd(b, m));
            case "rsqrtps" -> packedFloat((a, b, m) -> SseFloat.rsqrtss(b));
            case "rsqrtss" -> scalarFloat((a, b, m) -> SseFloat.rsqrtss(b));
            case "rcpps" -> packedFloat((a, b, m) -> SseFloat.rcpss(b));
            case "rcpss" -> scalarFloat((a, b, m) -> SseFloat.rcpss(b));
            case "andps" -> lanewise(PackedInteger::pand);
            case "andpd" -> lanewise(PackedInteger::pand);
            case "andnps" -> lanewise(PackedInteger::pandn);
            case "andnpd" -> lanewise(PackedInteger::pandn);
            case "orps" -> lanewise(PackedInteger::por);
            case "orpd" -> lanewise(PackedInteger::por);
            case "xorps" -> lanewise(PackedInteger::pxor);
            case "xorpd" -> lanewise(PackedInteger::pxor);
            case "addps" -> packedFloat(SseFloat::addss);
            case "addpd" -> packedDouble(SseDouble::addsd);
            case "addss" -> scalarFloat(SseFloat::addss);
            case "addsd" -> scalarDouble(SseDouble::addsd);
            case "mulps" -> packedFloat(SseFloat::mulss);
            case "mulpd" -> packedDouble(SseDouble::mulsd);
            case "mulss" -> scalarFloat(SseFloat::mulss);
            case "mulsd" -> scalarDouble(SseDouble::mulsd);
            case "subps" -> packedFloat(SseFloat::subss);
            case "subpd" -> packedDouble(SseDouble::subsd);
            case "subss" -> scalarFloat(SseFloat::subss);
            case "subsd" -> scalarDouble(SseDouble::subsd);
            case "minps" -> packedFloat(SseFloat::minss);
            case "minpd" -> packedDouble(SseDouble::minsd);
            case "minss" -> scalarFloat(SseFloat::minss);
            case "minsd" -> scalarDouble(SseDouble::minsd);
            case "divps" -> packedFloat(SseFloat::divss);
            case "divpd" -> packedDouble(SseDouble::divsd);
            case "divss" -> scalarFloat(SseFloat::divss);
            case "divsd" -> scalarDouble(SseDouble::divsd);
            case "maxps" -> packedFloat(SseFloat::maxss);
            case "maxpd" -> packedDouble(SseDouble::maxsd);
            case "maxss" -> scalarFloat(SseFloat::maxss);
            case "maxsd" -> scalarDouble(SseDouble::maxsd);
            case "cmpps" -> packedFloatImm(SseFloat::cmpss);
            case "cmppd" -> packedDoubleImm(SseDouble::cmpsd);
            case "cmpss" -> scalarFloatImm(SseFloat::cmpss);
            case "cmpsd" -> scalarDoubleImm(SseDouble::cmpsd);
            case "shufps" -> cross(PackedShuffle::shufpsLow, PackedShuffle::shufpsHigh);
            case "shufpd" -> cross(PackedShuffle::shufpdLow, PackedShuffle::shufpdHigh);
            case "punpcklbw.mmx" -> lanewise(PackedPack::punpcklbw);
            case "punpcklbw" -> interleaveLow(PackedPack::punpcklbw, PackedPack::punpckhbw);
            case "punpcklwd.mmx" -> lanewise(PackedPack::punpcklwd);
            case "punpcklwd" -> interleaveLow(PackedPack::punpcklwd, PackedPack::punpckhwd);
            case "punpckldq.mmx" -> lanewise(PackedPack::punpckldq);
            case "punpckldq" -> interleaveLow(PackedPack::punpckldq, PackedPack::punpckhdq);
            case "packsswb.mmx" -> lanewise(PackedPack::packsswb);
            case "packsswb" -> horizontal(PackedPack::packsswb);
            case "pcmpgtb" -> lanewise(PackedInteger::pcmpgtb);
            case "pcmpgtw" -> lanewise(PackedInteger::pcmpgtw);
            case "pcmpgtd" -> lanewise(PackedInteger::pcmpgtd);
            case "packuswb.mmx" -> lanewise(PackedPack::packuswb);
            case "packuswb" -> horizontal(PackedPack::packuswb);
            case "punpckhbw.mmx" -> lanewise(PackedPack::punpckhbw);
            case "punpckhbw" -> interleaveHigh(PackedPack::punpcklbw, PackedPack::punpckhbw);
            case "punpckhwd.mmx" -> lanewise(PackedPack::punpckhwd);
            case "punpckhwd" -> interleaveHigh(PackedPack::punpcklwd, PackedPack::punpckhwd);
            case "punpckhdq.mmx" -> lanewise(PackedPack::punpckhdq);
            case "punpckhdq" -> interleaveHigh(PackedPack::punpckldq, PackedPack::punpckhdq);
            case "packssdw.mmx" -> lanewise(PackedPack::packssdw);
            case "packssdw" -> horizontal(PackedPack::packssdw);
            case "punpcklqdq" -> move(MOVE_LOW_TO_HIGH);
            case "punpckhqdq" -> cross((al, ah, bl, bh, imm) -> ah, (al, ah, bl, bh, imm) -> bh);
            case "movd" -> move(MOVE_ZERO_EXTEND);
            case "movq" -> move(MOVE_LOW_AND_CLEAR);
            case "movdqa" -> move(MOVE_ALL);
            case "movdqu" -> move(MOVE_ALL);
            case "pshufw" -> mmxImm((a, b, imm) -> HalfShuffle.pshufw(b, imm));
            case "pshufd" -> cross(PackedShuffle::pshufdLow, PackedShuffle::pshufdHigh);
            case "pshufhw" -> cross(PackedShuffle::pshufhwLow, PackedShuffle::pshufhwHigh);
            case "pshuflw" -> cross(PackedShuffle::pshuflwLow, PackedShuffle::pshuflwHigh);
            case "psrlw.imm" -> shiftImm(PackedShift::psrlw);
            case "psrlw" -> shift(PackedShift::psrlw);
            case "psraw.imm" -> shiftImm(PackedShift::psraw);
            case "psraw" -> shift(PackedShift::psraw);
            case "psllw.imm" -> shiftImm(PackedShift::psllw);
            case "psllw" -> shift(PackedShift::psllw);
            case "psrld.imm" -> shiftImm(PackedShift::psrld);
            case "psrld" -> shift(PackedShift::psrld);
            case "psrad.imm" -> shiftImm(PackedShift::psrad);
            case "psrad" -> shift(PackedShift::psrad);
            case "pslld.imm" -> shiftImm(PackedShift::pslld);
            case "pslld" -> shift(PackedShift::pslld);
            case "psrlq.imm" -> shiftImm(PackedShift::psrlq);
            case "psrlq" -> shift(PackedShift::psrlq);
            case "psllq.imm" -> shiftImm(PackedShift::psllq);
            case "psllq" -> shift(PackedShift::psllq);
            case "psrldq" -> cross(PackedShuffle::psrldqLow, PackedShuffle::psrldqHigh);
            case "pslldq" -> cross(PackedShuffle::pslldqLow, PackedShuffle::pslldqHigh);
            case "pcmpeqb" -> lanewise(PackedInteger::pcmpeqb);
            case "pcmpeqw" -> lanewise(PackedInteger::pcmpeqw);
            case "pcmpeqd" -> lanewise(PackedInteger::pcmpeqd);
            case "emms" -> move(MOVE_NOTHING);
            case "pinsrw.mmx" -> mmxImm((a, b, imm) -> HalfShuffle.pinsrw(a, (int) b, imm));
            case "pinsrw" -> cross(PackedShuffle::pinsrwLow, PackedShuffle::pinsrwHigh);
            case "pextrw.mmx" -> extract((bl, bh, imm) -> HalfShuffle.pextrw(bl, imm));
            case "pextrw" -> extract(PackedShuffle::pextrw);
            case "paddq" -> lanewise(PackedInteger::paddq);
            case "pmullw" -> lanewise(PackedProduct::pmullw);
            case "psubusb" -> lanewise(PackedInteger::psubusb);
            case "psubusw" -> lanewise(PackedInteger::psubusw);
            case "pminub" -> lanewise(PackedInteger::pminub);
            case "pand" -> lanewise(PackedInteger::pand);
            case "paddusb" -> lanewise(PackedInteger::paddusb);
            case "paddusw" -> lanewise(PackedInteger::paddusw);
            case "pmaxub" -> lanewise(PackedInteger::pmaxub);
            case "pandn" -> lanewise(PackedInteger::pandn);
            case "pavgb" -> lanewise(PackedInteger::pavgb);
            case "pavgw" -> lanewise(PackedInteger::pavgw);
            case "pmulhuw" -> lanewise(PackedProduct::pmulhuw);
            case "pmulhw" -> lanewise(PackedProduct::pmulhw);
            case "psubsb" -> lanewise(PackedInteger::psubsb);
            case "psubsw" -> lanewise(PackedInteger::psubsw);
            case "pminsw" -> lanewise(PackedInteger::pminsw);
            case "por" -> lanewise(PackedInteger::por);
            case "paddsb" -> lanewise(PackedInteger::paddsb);
            case "paddsw" -> lanewise(PackedInteger::paddsw);
            case "pmaxsw" -> lanewise(PackedInteger::pmaxsw);
            case "pxor" -> lanewise(PackedInteger::pxor);
            case "pmuludq" -> lanewise(PackedProduct::pmuludq);
            case "pmaddwd" -> lanewise(PackedProduct::pmaddwd);
            case "psadbw" -> lanewise(PackedProduct::psadbw);
            case "psubb" -> lanewise(PackedInteger::psubb);
            case "psubw" -> lanewise(PackedInteger::psubw);
            case "psubd" -> lanewise(PackedInteger::psubd);
            case "psubq" -> lanewise(PackedInteger::psubq);
            case "paddb" -> lanewise(PackedInteger::paddb);
            case "paddw" -> lanewise(PackedInteger::paddw);
            case "paddd" -> lanewise(PackedInteger::paddd);
            case "movq2dq" -> move(MOVE_LOW_AND_CLEAR);
            case "movdq2q" -> move(MOVE_LOW);
            case "pmovmskb.mmx" -> extract((bl, bh, imm) -> HalfShuffle.pmovmskb(bl));
            case "pmovmskb" -> extract((bl, bh, imm) -> PackedShuffle.pmovmskb(bl, bh));
            case "movntq" -> move(MOVE_ALL);
            case "movntdq" -> move(MOVE_ALL);
            case "maskmovq" -> move(MOVE_BYTES_BY_MASK);
            case "maskmovdqu" -> move(MOVE_BYTES_BY_MASK);
            default -> null;
        };
    }

    private static Semantics sse3(String name) {
        return switch (name) {
            case "movddup" -> cross((al, ah, bl, bh, imm) -> bl, (al, ah, bl, bh, imm) -> bl);
            case "movsldup" -> lanewise((a, b) -> PackedShuffle.movsldup(b));
            case "movshdup" -> lanewise((a, b) -> PackedShuffle.movshdup(b));
            case "haddpd" -> horizontalDouble(SseDouble::addsd);
            case "haddps" -> horizontalFloat(SseFloat::addss);
            case "hsubpd" -> horizontalDouble(SseDouble::subsd);
            case "hsubps" -> horizontalFloat(SseFloat::subss);
            case "addsubpd" -> alternatingDouble(SseDouble::subsd, SseDouble::addsd);
            case "addsubps" -> alternatingFloat(SseFloat::subss, SseFloat::addss);
            case "lddqu" -> move(MOVE_ALL);
            default -> null;
        };
    }

    private static Semantics ssse3(String name) {
        return switch (name) {
            case "pshufb.mmx" -> lanewise(HalfShuffle::pshufb);
            case "pshufb" -> cross(PackedShuffle::pshufbLow, PackedShuffle::pshufbHigh);
            case "phaddw.mmx" -> lanewise(PackedHorizontal::phaddw);
            case "phaddw" -> horizontal(PackedHorizontal::phaddw);
            case "phaddd.mmx" -> lanewise(PackedHorizontal::phaddd);
            case "phaddd" -> horizontal(PackedHorizontal::phaddd);
            case "phaddsw.mmx" -> lanewise(PackedHorizontal::phaddsw);
            case "phaddsw" -> horizontal(PackedHorizontal::phaddsw);
            case "phsubw.mmx" -> lanewise(PackedHorizontal::phsubw);
            case "phsubw" -> horizontal(PackedHorizontal::phsubw);
            case "phsubd.mmx" -> lanewise(PackedHorizontal::phsubd);
            case "phsubd" -> horizontal(PackedHorizontal::phsubd);
            case "phsubsw.mmx" -> lanewise(PackedHorizontal::phsubsw);
            case "phsubsw" -> horizontal(PackedHorizontal::phsubsw);
            case "pmaddubsw" -> lanewise(PackedProduct::pmaddubsw);
            case "psignb" -> lanewise(PackedInteger::psignb);
            case "psignw" -> lanewise(PackedInteger::psignw);
            case "psignd" -> lanewise(PackedInteger::psignd);
            case "pmulhrsw" -> lanewise(PackedProduct::pmulhrsw);
            case "pabsb" -> lanewise((a, b) -> PackedInteger.pabsb(b));
            case "pabsw" -> lanewise((a, b) -> PackedInteger.pabsw(b));
            case "pabsd" -> lanewise((a, b) -> PackedInteger.pabsd(b));
            case "palignr.mmx" -> mmxImm(HalfShuffle::palignr);
            case "palignr" -> cross(PackedShuffle::palignrLow, PackedShuffle::palignrHigh);
            default -> null;
        };
    }

    private static Semantics sse41(String name) {
        return switch (name) {
            case "pblendvb" -> blend(PackedShuffle::pblendvb);
            case "blendvps" -> blend(PackedShuffle::blendvps);
            case "blendvpd" -> blend(PackedShuffle::blendvpd);
            case "ptest" -> new Semantics.CompareBits(PackedShuffle::ptest);
            case "pmovsxbw" -> extend(8, 16, true);
            case "pmovsxbd" -> extend(8, 32, true);
            case "pmovsxbq" -> extend(8, 64, true);
            case "pmovsxwd" -> extend(16, 32, true);
            case "pmovsxwq" -> extend(16, 64, true);
            case "pmovsxdq" -> extend(32, 64, true);
            case "pmovzxbw" -> extend(8, 16, false);
            case "pmovzxbd" -> extend(8, 32, false);
            case "pmovzxbq" -> extend(8, 64, false);
            case "pmovzxwd" -> extend(16, 32, false);
            case "pmovzxwq" -> extend(16, 64, false);
            case "pmovzxdq" -> extend(32, 64, false);
            case "pmuldq" -> lanewise(PackedProduct::pmuldq);
            case "pcmpeqq" -> lanewise(PackedInteger::pcmpeqq);
            case "pminsb" -> lanewise(PackedInteger::pminsb);
            case "pminsd" -> lanewise(PackedInteger::pminsd);
            case "pminuw" -> lanewise(PackedInteger::pminuw);
            case "pminud" -> lanewise(PackedInteger::pminud);
            case "pmaxsb" -> lanewise(PackedInteger::pmaxsb);
            case "pmaxsd" -> lanewise(PackedInteger::pmaxsd);
            case "pmaxuw" -> lanewise(PackedInteger::pmaxuw);
            case "pmaxud" -> lanewise(PackedInteger::pmaxud);
            case "pmulld" -> lanewise(PackedProduct::pmulld);
            case "movntdqa" -> move(MOVE_ALL);
            case "packusdw" -> horizontal(PackedPack::packusdw);
            case "phminposuw" ->
                    cross(
                            (al, ah, bl, bh, imm) -> PackedShuffle.phminposuw(bl, bh),
                            (al, ah, bl, bh, imm) -> 0);
            case "roundps" -> packedFloatImm((a, b, imm, m) -> SseFloat.roundss(b, imm, m));
            case "roundpd" -> packedDoubleImm((a, b, imm, m) -> SseDouble.roundsd(b, imm, m));
            case "roundss" -> scalarFloatImm((a, b, imm, m) -> SseFloat.roundss(b, imm, m));
            case "roundsd" -> scalarDoubleImm((a, b, imm, m) -> SseDouble.roundsd(b, imm, m));
            case "blendps" -> cross(PackedShuffle::blendpsLow, PackedShuffle::blendpsHigh);
            case "blendpd" -> cross(PackedShuffle::blendpdLow, PackedShuffle::blendpdHigh);
            case "pblendw" -> cross(PackedShuffle::pblendwLow, PackedShuffle::pblendwHigh);
            case "pinsrb" -> cross(PackedShuffle::pinsrbLow, PackedShuffle::pinsrbHigh);
            case "pinsrd" -> cross(PackedShuffle::pinsrdLow, PackedShuffle::pinsrdHigh);
            case "pinsrq" -> cross(PackedShuffle::pinsrqLow, PackedShuffle::pinsrqHigh);
            case "insertps" -> cross(PackedShuffle::insertpsLow, PackedShuffle::insertpsHigh);
            case "mpsadbw" -> cross(PackedShuffle::mpsadbwLow, PackedShuffle::mpsadbwHigh);
            case "pextrb" -> extract(PackedShuffle::pextrb);
            case "pextrd", "extractps" -> extract(PackedShuffle::pextrd);
            case "pextrq" -> extract(PackedShuffle::pextrq);
            case "insertps.load" ->
                    cross(
                            (al, ah, bl, bh, imm) ->
                                    PackedShuffle.insertpsLow(al, ah, bl, bh, imm & 0x3f),
                            (al, ah, bl, bh, imm) ->
                                    PackedShuffle.insertpsHigh(al, ah, bl, bh, imm & 0x3f));
            case "dpps" -> crossFloat(DPPS_LOW, DPPS_HIGH);
            case "dppd" -> crossFloat(DPPD_LOW, DPPD_HIGH);
            default -> null;
        };
    }

    private static Semantics sse42(String name) {
        return switch (name) {
            case "pcmpgtq" -> lanewise(PackedInteger::pcmpgtq);
            case "pcmpestrm" -> new Semantics.CompareStrings(true, false);
            case "pcmpestri" -> new Semantics.CompareStrings(true, true);
            case "pcmpistrm" -> new Semantics.CompareStrings(false, false);
            case "pcmpistri" -> new Semantics.CompareStrings(false, true);
            default -> null;
        };
    }

    private static Semantics ciphers(String name) {
        return switch (name) {
            case "aesenc" ->
                    cross(
                            (al, ah, bl, bh, imm) -> Aes.encrypted(al, ah) ^ bl,
                            (al, ah, bl, bh, imm) -> Aes.encrypted(ah, al) ^ bh);
            case "aesenclast" ->
                    cross(
                            (al, ah, bl, bh, imm) -> Aes.encryptedLast(al, ah) ^ bl,
                            (al, ah, bl, bh, imm) -> Aes.encryptedLast(ah, al) ^ bh);
            case "aesdec" ->
                    cross(
                            (al, ah, bl, bh, imm) -> Aes.decrypted(al, ah) ^ bl,
                            (al, ah, bl, bh, imm) -> Aes.decrypted(ah, al) ^ bh);
            case "aesdeclast" ->
                    cross(
                            (al, ah, bl, bh, imm) -> Aes.decryptedLast(al, ah) ^ bl,
                            (al, ah, bl, bh, imm) -> Aes.decryptedLast(ah, al) ^ bh);
            case "aesimc" -> lanewise((a, b) -> Aes.aesimc(b));
            case "aeskeygenassist" ->
                    cross(
                            (al, ah, bl, bh, imm) -> Aes.aeskeygenassist(bl, imm),
                            (al, ah, bl, bh, imm) -> Aes.aeskeygenassist(bh, imm));
            case "pclmulqdq" ->
                    cross(CarrylessProduct::pclmulqdqLow, CarrylessProduct::pclmulqdqHigh);
            default -> null;
        };
    }

    private static Semantics digests(String name) {
        return switch (name) {
            case "sha1rnds4" -> new Semantics.Rounds(Sha1::sha1rnds4Low, Sha1::sha1rnds4High);
            case "sha1nexte" ->
                    cross(
                            (al, ah, bl, bh, imm) -> bl,
                            (al, ah, bl, bh, imm) -> Sha1.sha1nexte(ah, bh));
            case "sha1msg1" ->
                    cross((al, ah, bl, bh, imm) -> al ^ bh, (al, ah, bl, bh, imm) -> ah ^ al);
            case "sha1msg2" -> cross(Sha1::sha1msg2Low, Sha1::sha1msg2High);
            case "sha256rnds2" ->
                    new Semantics.Rounds(Sha256::sha256rnds2Low, Sha256::sha256rnds2High);
            case "sha256msg1" -> cross(Sha256::sha256msg1Low, Sha256::sha256msg1High);
            case "sha256msg2" -> cross(Sha256::sha256msg2Low, Sha256::sha256msg2High);
            default -> null;
        };
    }

    private static Semantics extend(int from, int to, boolean signed) {
        int lanesPerHalf = 64 / to;
        return cross(
                (al, ah, bl, bh, imm) -> PackedShuffle.extend(bl, from, to, 0, signed),
                (al, ah, bl, bh, imm) -> PackedShuffle.extend(bl, from, to, lanesPerHalf, signed));
    }

    private static Semantics horizontalDouble(Semantics.DoubleOp f) {
        return new Semantics.HorizontalDouble(f);
    }

    private static Semantics horizontalFloat(Semantics.FloatOp f) {
        return new Semantics.HorizontalFloat(f);
    }

    private static Semantics alternatingDouble(Semantics.DoubleOp even, Semantics.DoubleOp odd) {
        return new Semantics.AlternatingDouble(even, odd);
    }

    private static Semantics alternatingFloat(Semantics.FloatOp even, Semantics.FloatOp odd) {
        return new Semantics.AlternatingFloat(even, odd);
    }

    private static Semantics blend(Semantics.BlendOp f) {
        return new Semantics.Blend(f);
    }

    private static Semantics lanewise(Semantics.LongOp f) {
        return new Semantics.Lanewise(f);
    }

    private static Semantics shift(Semantics.LongOp f) {
        return new Semantics.Shift(f);
    }

    private static Semantics shiftImm(Semantics.LongOp f) {
        return new Semantics.ShiftImm(f);
    }

    private static Semantics horizontal(Semantics.LongOp f) {
        return new Semantics.Horizontal(f);
    }

    private static Semantics interleaveLow(Semantics.LongOp low, Semantics.LongOp high) {
        return new Semantics.InterleaveLow(low, high);
    }

    private static Semantics interleaveHigh(Semantics.LongOp low, Semantics.LongOp high) {
        return new Semantics.InterleaveHigh(low, high);
    }

    private static Semantics mmxImm(Semantics.LongImmOp f) {
        return new Semantics.MmxImm(f);
    }

    private static Semantics cross(Semantics.HalfOp low, Semantics.HalfOp high) {
        return new Semantics.Cross(low, high);
    }

    private static Semantics extract(Semantics.ExtractOp f) {
        return new Semantics.Extract(f);
    }

    private static Semantics scalarDouble(Semantics.DoubleOp f) {
        return new Semantics.ScalarDouble(f);
    }

    private static Semantics scalarDoubleImm(Semantics.DoubleImmOp f) {
        return new Semantics.ScalarDoubleImm(f);
    }

    private static Semantics packedDouble(Semantics.DoubleOp f) {
        return new Semantics.PackedDouble(f);
    }

    private static Semantics packedDoubleImm(Semantics.DoubleImmOp f) {
        return new Semantics.PackedDoubleImm(f);
    }

    private static Semantics scalarFloat(Semantics.FloatOp f) {
        return new Semantics.ScalarFloat(f);
    }

    private static Semantics scalarFloatImm(Semantics.FloatImmOp f) {
        return new Semantics.ScalarFloatImm(f);
    }

    private static Semantics packedFloat(Semantics.FloatOp f) {
        return new Semantics.PackedFloat(f);
    }

    private static Semantics packedFloatImm(Semantics.FloatImmOp f) {
        return new Semantics.PackedFloatImm(f);
    }

    private static Semantics compareDouble(Semantics.DoubleFlagsOp f) {
        return new Semantics.CompareDouble(f);
    }

    private static Semantics compareFloat(Semantics.FloatFlagsOp f) {
        return new Semantics.CompareFloat(f);
    }

    private static Semantics integerToDouble(Semantics.LongToLong f) {
        return new Semantics.IntegerToDouble(f);
    }

    private static Semantics integerToFloat(Semantics.LongToFloat f) {
        return new Semantics.IntegerToFloat(f);
    }

    private static Semantics doubleToFloat(Semantics.LongToFloat f) {
        return new Semantics.DoubleToFloat(f);
    }

    private static Semantics crossFloat(Semantics.FloatHalfOp low, Semantics.FloatHalfOp high) {
        return new Semantics.CrossFloat(low, high);
    }

    private static Semantics move(MoveKind kind) {
        return new Semantics.Move(kind);
    }
}
