package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.translate.Doubles;

import java.util.Random;

/**
 * Java's arithmetic, where it is taken, and our integer arithmetic agree in value and flags; on any
 * host. That of translated code too, which takes it more often.
 */
class FastPathTest {
    private static final int CASES = 50_000;
    private static final FloatFormat DOUBLE = FloatFormat.DOUBLE, SINGLE = FloatFormat.SINGLE;

    private final Random random = new Random(20250119);
    private final SimdValues values = new SimdValues(random);

    private interface Operation {
        long apply(long a, long b, Mxcsr m);
    }

    private interface FloatOperation {
        int apply(int a, int b, Mxcsr m);
    }

    private void agree(Operation fast, Operation soft, long a, long b) {
        int control = values.mxcsr() | 0x1f80;
        Mxcsr ofFast = new Mxcsr(), ofSoft = new Mxcsr();
        ofFast.load(control);
        ofSoft.load(control);
        long byFast = fast.apply(a, b, ofFast), bySoft = soft.apply(a, b, ofSoft);
        ofFast.commit();
        ofSoft.commit();
        if (byFast != bySoft || ofFast.value() != ofSoft.value()) {
            assertThat("%x mxcsr %x".formatted(byFast, ofFast.value()))
                    .as("%x %x mxcsr %x", a, b, control)
                    .isEqualTo("%x mxcsr %x".formatted(bySoft, ofSoft.value()));
        }
    }

    private void agreeOnDoubles(Operation fast, Operation soft) {
        for (int i = 0; i < CASES; i++) {
            agree(fast, soft, values.doubles(), values.doubles());
        }
    }

    private interface Translated {
        long apply(long a, long b, boolean quick, Mxcsr m);
    }

    private void translatedAgrees(Translated translated, Operation soft) {
        agreeOnDoubles((a, b, m) -> translated.apply(a, b, m.isPlainAndInexact(), m), soft);
    }

    private void agreeOnFloats(FloatOperation fast, Operation soft) {
        Operation widened = (a, b, m) -> fast.apply((int) a, (int) b, m) & 0xffffffffL;
        for (int i = 0; i < CASES; i++) {
            agree(widened, soft, values.floats() & 0xffffffffL, values.floats() & 0xffffffffL);
        }
    }

    @Test
    void sumsAgree() {
        agreeOnDoubles(SseDouble::addsd, (a, b, m) -> SoftFloat.add(DOUBLE, a, b, m));
        translatedAgrees(Doubles::addsd, (a, b, m) -> SoftFloat.add(DOUBLE, a, b, m));
        agreeOnFloats(SseFloat::addss, (a, b, m) -> SoftFloat.add(SINGLE, a, b, m));
    }

    @Test
    void differencesAgree() {
        agreeOnDoubles(SseDouble::subsd, (a, b, m) -> SoftFloat.sub(DOUBLE, a, b, m));
        translatedAgrees(Doubles::subsd, (a, b, m) -> SoftFloat.sub(DOUBLE, a, b, m));
        agreeOnFloats(SseFloat::subss, (a, b, m) -> SoftFloat.sub(SINGLE, a, b, m));
    }

    @Test
    void productsAgree() {
        agreeOnDoubles(SseDouble::mulsd, (a, b, m) -> SoftFloat.mul(DOUBLE, a, b, m));
        translatedAgrees(Doubles::mulsd, (a, b, m) -> SoftFloat.mul(DOUBLE, a, b, m));
        agreeOnFloats(SseFloat::mulss, (a, b, m) -> SoftFloat.mul(SINGLE, a, b, m));
    }

    @Test
    void quotientsAgree() {
        agreeOnDoubles(SseDouble::divsd, (a, b, m) -> SoftFloat.div(DOUBLE, a, b, m));
        translatedAgrees(Doubles::divsd, (a, b, m) -> SoftFloat.div(DOUBLE, a, b, m));
        agreeOnFloats(SseFloat::divss, (a, b, m) -> SoftFloat.div(SINGLE, a, b, m));
    }

    @Test
    void rootsAgree() {
        agreeOnDoubles(
                (a, b, m) -> SseDouble.sqrtsd(b, m), (a, b, m) -> SoftFloat.sqrt(DOUBLE, b, m));
        translatedAgrees(Doubles::sqrtsd, (a, b, m) -> SoftFloat.sqrt(DOUBLE, b, m));
        agreeOnFloats(
                (a, b, m) -> SseFloat.sqrtss(b, m), (a, b, m) -> SoftFloat.sqrt(SINGLE, b, m));
    }

    @Test
    void conversionsAgree() {
        agreeOnDoubles(
                (a, b, m) -> SseConvert.cvtsd2ss(b, m) & 0xffffffffL,
                (a, b, m) -> SoftFloat.convert(DOUBLE, SINGLE, b, m));
        agreeOnDoubles(
                (a, b, m) -> SseConvert.cvttsd2si32(b, m),
                (a, b, m) -> SoftFloat.toInteger(DOUBLE, b, 32, Mxcsr.RC_TOWARD_ZERO, m));
        agreeOnDoubles(
                (a, b, m) -> SseConvert.cvttsd2si64(b, m),
                (a, b, m) -> SoftFloat.toInteger(DOUBLE, b, 64, Mxcsr.RC_TOWARD_ZERO, m));
    }
}
