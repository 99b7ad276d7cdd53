package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

class MessageTest {
    @Test
    void theHeaderIsSixteenBytesOfLittleEndianWords() {
        byte[] bytes = new Message(0x01020304, 5, 6, new byte[] {9, 8}).toBytes();
        assertThat(bytes).containsExactly(4, 3, 2, 1, 5, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 9, 8);
    }

    @Test
    void whatIsWrittenIsReadBack() {
        Message message = new Message(22, -1, 0x80000001, Message.strings("a", "b"));
        byte[] bytes = message.toBytes();
        byte[] header = Arrays.copyOf(bytes, Message.HEADER_SIZE);
        assertThat(Message.announcedLength(header)).isEqualTo(4);
        Message back =
                Message.of(header, Arrays.copyOfRange(bytes, Message.HEADER_SIZE, bytes.length));
        assertThat(back).usingRecursiveComparison().isEqualTo(message);
    }

    @Test
    void theAnnouncedLengthIsUnsigned() {
        byte[] header = new byte[Message.HEADER_SIZE];
        Arrays.fill(header, (byte) 0xff);
        assertThat(Message.announcedLength(header)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void typesHaveTheNumbersOfTheHeaderFile() {
        assertThat(MessageType.of(0)).contains(MessageType.CONTROL);
        assertThat(MessageType.of(19)).contains(MessageType.SET_TARGET);
        assertThat(MessageType.of(20)).as("XS_RESTRICT was removed").isEmpty();
        assertThat(MessageType.of(22)).contains(MessageType.DIRECTORY_PART);
        assertThat(MessageType.of(23)).isEmpty();
        assertThat(MessageType.of(-1)).isEmpty();
        for (MessageType type : MessageType.values()) {
            assertThat(MessageType.of(type.code())).contains(type);
        }
    }
}
