package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.util.ArrayList;
import java.util.List;

/** A guest's console without the guest: what the host does with its page. */
class ConsolePortTest {
    private static final int FIRST_PORT = 1;

    /** Of {@code struct xencons_interface}. */
    private static final int OUT_PROD = 3084;

    private final ConsoleLog screen = new ConsoleLog();
    private final List<String> reports = new ArrayList<>();
    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final long mfn = guest.memory.page();
    private final ConsolePort port = allocate();

    private ConsolePort allocate() {
        ConsoleIo console =
                new ConsoleIo() {
                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        screen.write(bytes, offset, length);
                    }

                    @Override
                    public void start(InputListener listener) {}
                };
        ConsolePort made = ConsolePort.allocate(console, guest.domain, mfn, FIRST_PORT);
        made.onReport(reports::add);
        return made;
    }

    private void look(int outProd) {
        Ram.putInt(guest.memory.frames.ownFrame(mfn) + OUT_PROD, outProd);
        port.lookSoon();
        guest.domain.applyPosted(guest.vcpu(0).turn);
    }

    @Test
    void consoleThatAGuestBrokeIsToldOfOnce() {
        look(1);
        assertThat(reports).isEmpty();
        look(5_000);
        assertThat(reports)
                .singleElement()
                .asString()
                .startsWith("the console is served no more: ")
                .contains("console output");
        look(5_001);
        port.drain();
        assertThat(reports).hasSize(1);
    }
}
