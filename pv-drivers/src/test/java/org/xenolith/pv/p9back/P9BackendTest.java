package org.xenolith.pv.p9back;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.p9back.P9Lab.attach;
import static org.xenolith.pv.p9back.P9Lab.attributes;
import static org.xenolith.pv.p9back.P9Lab.message;
import static org.xenolith.pv.p9back.P9Lab.tag;
import static org.xenolith.pv.p9back.P9Lab.type;
import static org.xenolith.pv.p9back.P9Lab.version;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.p9back.P9Lab.Ring;
import org.xenolith.pv.ring.FlexRing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** The backend of shared folders against frontends written by hand, honest and not. */
class P9BackendTest {
    private static final int RLERROR = 7;

    @TempDir Path folder;
    private P9Lab lab;

    @BeforeEach
    void share() throws IOException {
        lab = new P9Lab(folder);
    }

    @AfterEach
    void end() {
        lab.close();
        assertThat(lab.domain.usesUnderWay()).as("grants in use at the end").isZero();
    }

    private Ring mounted() {
        Ring ring = lab.connect(1).ring();
        assertThat(type(ring.ask(version()))).isEqualTo(101);
        assertThat(type(ring.ask(attach(0)))).isEqualTo(105);
        return ring;
    }

    private static ByteBuffer body(ByteBuffer answer) {
        return answer.duplicate().order(ByteOrder.LITTLE_ENDIAN).position(7);
    }

    // ---- the handshake

    @Test
    void offersWhatLinuxAsksFor() {
        assertThat(lab.back("versions")).isEqualTo("1");
        assertThat(lab.back("max-rings")).isEqualTo("4");
        assertThat(lab.back("max-ring-page-order")).isEqualTo("7");
        lab.connect(2);
        assertThat(lab.back("state")).isEqualTo("4");
        assertThat(lab.log).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "version, 2, version",
        "num-rings, 0, num-rings",
        "num-rings, 5, num-rings",
        "num-rings, 2, ring-ref1",
        "ring-ref0, 77, no grant",
        "ring-ref0, x, no number",
        "event-channel-0, 77, no port"
    })
    void keysThatMakeNoSenseAreRefusedAndNothingIsHeld(String key, String value, String why) {
        lab.new Ring(0, P9Lab.ORDER);
        lab.front("version", 1);
        lab.front("num-rings", 1);
        lab.front(key, value);
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.log).singleElement().asString().contains(why);
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(P9Lab.PORT)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 31, 32, -1, Integer.MIN_VALUE})
    void orderThatIsNotOfferedIsRefused(int order) {
        Ring ring = lab.new Ring(0, P9Lab.ORDER);
        ring.index(FlexRing.RING_ORDER, order);
        lab.front("version", 1);
        lab.front("num-rings", 1);
        lab.state(3);
        assertThat(lab.log).singleElement().asString().contains("order");
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void pageThatIsNotGrantedIsRefusedAndNothingIsHeld() {
        Ring ring = lab.new Ring(0, P9Lab.ORDER);
        ring.index(FlexRing.REF + 8, 4711);
        lab.front("version", 1);
        lab.front("num-rings", 1);
        lab.state(3);
        assertThat(lab.log).singleElement().asString().contains("4711 is no grant");
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void frontendThatComesBackBeginsAnew() throws IOException {
        Files.createFile(folder.resolve("f"));
        mounted();
        lab.state(6);
        lab.io();
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(P9Lab.PORT)).isFalse();
        lab.state(1);
        lab.rings.clear();
        Ring ring = mounted();
        assertThat(type(ring.ask(message(110, 5, 0, 1, (short) 1, "f")))).isEqualTo(111);
    }

    // ---- messages

    @Test
    void filesAreReadAndWrittenAroundTheRing() throws IOException {
        Ring ring = mounted();
        byte[] data = new byte[3000];
        new Random(1).nextBytes(data);
        ring.ask(message(110, 2, 0, 1, (short) 0));
        assertThat(type(ring.ask(message(14, 2, 1, "f", 2, 0600, 0)))).isEqualTo(15);
        for (int i = 0; i < 20; i++) {
            ByteBuffer wrote = ring.ask(message(118, i, 1, (long) i * 3000, 3000, data));
            assertThat(type(wrote)).isEqualTo(119);
            assertThat(tag(wrote)).isEqualTo(i);
            ByteBuffer read = ring.ask(message(116, i, 1, (long) i * 3000, 3000));
            assertThat(type(read)).isEqualTo(117);
            assertThat(body(read).getInt()).isEqualTo(3000);
            assertThat(Arrays.copyOfRange(read.array(), 11, 3011)).isEqualTo(data);
        }
        assertThat(Files.size(folder.resolve("f"))).isEqualTo(60_000);
        assertThat(lab.log).isEmpty();
    }

    @Test
    void messageSizeIsNoMoreThanTheRingHolds() {
        Ring ring = lab.connect(1, 1).ring();
        assertThat(ring.size).isEqualTo(4096);
        assertThat(body(ring.ask(version())).getInt()).isEqualTo(4096);
    }

    @Test
    void requestsOfManyRingsAreOfOneClient() {
        lab.connect(2);
        lab.rings.get(0).ask(version());
        lab.rings.get(1).ask(attach(0));
        assertThat(type(lab.rings.get(0).ask(attributes(0, 3)))).isEqualTo(25);
    }

    @Test
    void requestThatComesInPiecesIsServedWhenItIsWhole() {
        Ring ring = mounted();
        byte[] request = attributes(0, 3);
        for (int i = 0; i < request.length; i++) {
            assertThat(ring.answered()).isZero();
            ring.write(new byte[] {request[i]});
            ring.kick();
            lab.io();
        }
        assertThat(type(ring.read())).isEqualTo(25);
    }

    @Test
    void frontendThatHasRoomForAnyMessageIsToldOfAnswersOnly() {
        Ring ring = lab.connect(1, 7).ring();
        ring.ask(version());
        ring.ask(attach(0));
        int before = lab.domain.notifications(P9Lab.PORT);
        ring.ask(attributes(0, 3));
        assertThat(lab.domain.notifications(P9Lab.PORT)).isEqualTo(before + 1);
    }

    @Test
    void frontendThatWaitsForRoomIsToldOfIt() {
        Ring ring = mounted();
        ring.write(message(116, 0, new byte[ring.size - 7]));
        int before = lab.domain.notifications(P9Lab.PORT);
        ring.kick();
        assertThat(ring.index(FlexRing.OUT_CONS)).isEqualTo(ring.index(FlexRing.OUT_PROD));
        assertThat(lab.domain.notifications(P9Lab.PORT)).isEqualTo(before + 1);
    }

    @Test
    void requestsUnderWayAreBoundedAndTheRestWaitsInTheRing() {
        Ring ring = mounted();
        for (int i = 0; i < 40; i++) {
            ring.write(attributes(0, i));
        }
        ring.kick();
        assertThat(lab.calls).hasSize(8);
        for (int i = 0; i < 40; i++) {
            lab.io();
            ByteBuffer answer = ring.read();
            assertThat(answer).as("answer %d", i).isNotNull();
            assertThat(tag(answer)).isEqualTo(i);
            ring.kick();
        }
    }

    @Test
    void answersWaitForAFrontendThatReadsSlowly() {
        Ring ring = mounted();
        int answerBytes = ring.ask(attributes(0, 1)).capacity();
        int fit = ring.size / answerBytes;
        int asked = 0;
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 5; i++) {
                ring.write(attributes(0, asked++));
            }
            ring.kick();
            lab.io();
        }
        assertThat(ring.answered()).isEqualTo(fit * answerBytes);
        List<Integer> tags = new ArrayList<>();
        ByteBuffer answer;
        while ((answer = ring.read()) != null) {
            tags.add(tag(answer));
            ring.kick();
            lab.io();
        }
        assertThat(tags).hasSize(asked).doesNotHaveDuplicates();
        assertThat(lab.log).isEmpty();
    }

    @Test
    void indicesWrap() {
        Ring ring = lab.new Ring(0, P9Lab.ORDER);
        for (int offset :
                new int[] {
                    FlexRing.IN_CONS, FlexRing.IN_PROD, FlexRing.OUT_CONS, FlexRing.OUT_PROD
                }) {
            ring.index(offset, -3);
        }
        lab.front("version", 1);
        lab.front("num-rings", 1);
        lab.state(3);
        assertThat(type(ring.ask(version()))).isEqualTo(101);
        assertThat(type(ring.ask(attach(0)))).isEqualTo(105);
        assertThat(ring.index(FlexRing.OUT_CONS)).isPositive();
    }

    // ---- frontends that lie

    @ParameterizedTest
    @ValueSource(ints = {0, 6, 8193, 1 << 20, -1, Integer.MIN_VALUE})
    void messageOfAnImpossibleLengthEndsTheConnection(int length) {
        Ring ring = mounted();
        byte[] request = attributes(0, 3);
        ByteBuffer.wrap(request).order(ByteOrder.LITTLE_ENDIAN).putInt(0, length);
        ring.write(request);
        ring.kick();
        lab.io();
        assertThat(lab.log).singleElement().asString().contains("a message of");
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"68, 20000", "68, -1", "0, 1", "0, -20000"})
    void indexThatCannotBeTrueEndsTheConnection(int offset, int by) {
        Ring ring = mounted();
        ring.ask(attributes(0, 1));
        if (offset == FlexRing.IN_CONS) {
            ring.write(attributes(0, 2)); // whose answer needs room
        }
        ring.index(offset, ring.index(offset) + by);
        ring.kick();
        lab.io();
        assertThat(lab.log).singleElement().asString().contains("ahead of consumer");
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void ourIndicesAreNotTheFrontendsToChange() {
        Ring ring = mounted();
        ring.index(FlexRing.OUT_CONS, 12345);
        int inProd = ring.index(FlexRing.IN_PROD);
        ring.index(FlexRing.IN_PROD, 54321);
        ring.write(attributes(0, 2));
        ring.kick();
        lab.io();
        assertThat(ring.index(FlexRing.IN_PROD)).isGreaterThan(inProd).isLessThan(54321);
        assertThat(type(ring.read())).isEqualTo(25);
    }

    @Test
    void noiseIsAnsweredWithErrorsOrEndsTheConnection() {
        Random random = new Random(7);
        Ring ring = mounted();
        for (int i = 0; i < 500; i++) {
            byte[] fields = new byte[random.nextInt(60)];
            random.nextBytes(fields);
            ByteBuffer answer = ring.ask(message(random.nextInt(256), i, fields));
            assertThat(tag(answer)).isEqualTo(i);
        }
        assertThat(lab.log).isEmpty();
        assertThat(type(ring.ask(message(200, 1)))).isEqualTo(RLERROR);
    }

    // ---- the end

    @Test
    void deviceGoesWhenWhatIsUnderWayHasEnded() {
        Ring ring = mounted();
        ring.write(attributes(0, 1));
        ring.kick();
        lab.state(6);
        assertThat(lab.domain.usesUnderWay()).as("while the host works").isNotZero();
        lab.io();
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(ring.answered()).isZero();
    }

    @Test
    void domainThatEndsIsNotTouchedAnyMore() {
        Ring ring = mounted();
        ring.write(attributes(0, 1));
        ring.kick();
        CompletableFuture<Void> ended = lab.backend.abandon();
        assertThat(ended).as("while the host works").isNotDone();
        Runnable call;
        while ((call = lab.calls.poll()) != null) {
            call.run();
        }
        assertThat(ended).isCompleted();
        assertThat(ring.answered()).isZero();
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void deviceThatStandsByGoesOnWithTheFilesThatWereOpen() {
        Ring ring = mounted();
        ring.write(attributes(0, 1));
        ring.kick();
        CompletableFuture<Void> quiet = lab.backend.standBy();
        lab.domain.run();
        assertThat(quiet).as("while the host works").isNotDone();
        lab.io();
        assertThat(quiet).isCompleted();
        assertThat(type(ring.read())).isEqualTo(25);
        ring.write(attributes(0, 2));
        ring.kick();
        lab.io();
        assertThat(ring.answered()).isZero();
        lab.backend.resume();
        lab.domain.run();
        lab.io();
        assertThat(type(ring.read())).isEqualTo(25);
    }
}
