package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Platform;
import org.xenolith.cpu.Vector;

/**
 * What a vCPU's instructions find around the processor, as Xen shows it to a PV guest: CPUID, MSRs,
 * control and debug registers, ports, descriptors.
 *
 * <p>On the vCPU's own thread, in the middle of an instruction.
 */
final class VcpuPlatform implements Platform {
    private final VirtualCpu vcpu;

    VcpuPlatform(VirtualCpu vcpu) {
        this.vcpu = vcpu;
    }

    @Override
    public void cpuid(Cpu c) {
        CpuidPolicy.execute(c, vcpu.vcpuId());
    }

    @Override
    public long timeStampCounter(Cpu c) {
        if (!vcpu.mode.isKernel() && vcpu.control().deniesTimeStamp()) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
        return vcpu.systemTime();
    }

    @Override
    public long readMsr(Cpu c, int index) {
        return Msrs.read(vcpu, index);
    }

    @Override
    public void writeMsr(Cpu c, int index, long value) {
        Msrs.write(vcpu, index, value);
    }

    @Override
    public long readControl(Cpu c, int number) {
        return vcpu.control().read(number);
    }

    @Override
    public void writeControl(Cpu c, int number, long value) {
        vcpu.control().write(number, value);
    }

    @Override
    public long readDebug(Cpu c, int number) {
        vcpu.mode.requireKernel();
        return vcpu.debug.get(number);
    }

    @Override
    public void writeDebug(Cpu c, int number, long value) {
        vcpu.mode.requireKernel();
        if (!vcpu.debug.set(number, value)) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    @Override
    public void requirePort(Cpu c, int port, int size) {
        require(vcpu.ioPrivilege.allowsPort(port, size));
    }

    @Override
    public int portIn(Cpu c, int port, int size) {
        require(vcpu.ioPrivilege.allowsPort(port, size));
        return Ports.read(vcpu.domain(), port);
    }

    @Override
    public void portOut(Cpu c, int port, int size, int value) {
        require(vcpu.ioPrivilege.allowsPort(port, size));
    }

    /** Does nothing where it may be done: what a PV guest masks are events. */
    @Override
    public void setInterrupts(Cpu c, boolean enabled) {
        require(vcpu.ioPrivilege.allowsPorts());
    }

    @Override
    public void flushCaches(Cpu c) {
        vcpu.mode.requireKernel();
    }

    private static void require(boolean allowed) {
        if (!allowed) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    @Override
    public long descriptor(Cpu c, int selector) {
        return vcpu.descriptors.descriptor(selector);
    }

    @Override
    public void pause(Cpu c) {
        if (vcpu.turn.pause()) {
            vcpu.kick();
        }
    }

    @Override
    public long random(Cpu c) {
        return vcpu.random().nextLong();
    }
}
