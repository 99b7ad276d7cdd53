package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;

import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.devices.console.ConsoleSink;

/**
 * Hypercall console_io: the hypervisor's own console, on which a kernel writes before its driver
 * runs. Lines end with a bare line feed there, a terminal in raw mode wants a carriage return
 * before it. public/xen.h, {@code CONSOLEIO_*}.
 */
final class ConsoleIoOps {
    private static final int CONSOLEIO_WRITE = 0;
    private static final int CONSOLEIO_READ = 1;
    private static final int MAX_BYTES = 64 << 10;

    private final ConsoleSink sink;

    ConsoleIoOps(ConsoleSink sink) {
        this.sink = sink;
    }

    long handle(VirtualCpu vcpu, int command, long count, long buffer) {
        return switch (command) {
            case CONSOLEIO_WRITE -> write(vcpu, (int) count, buffer);
            case CONSOLEIO_READ -> 0;
            default -> -ENOSYS;
        };
    }

    private long write(VirtualCpu vcpu, int count, long buffer) {
        if (count < 0 || count > MAX_BYTES) {
            return -EINVAL;
        }
        byte[] text = new byte[count];
        vcpu.mmu().copyFrom(buffer, text, 0, count);
        byte[] out = new byte[2 * count];
        int length = 0;
        for (int i = 0; i < count; i++) {
            if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) {
                out[length++] = '\r';
            }
            out[length++] = text[i];
        }
        // There is no ring in which it could wait: what nobody reads is lost, and no vCPU waits.
        if (sink.room() > 0) {
            sink.write(out, 0, length);
        }
        return 0;
    }
}
