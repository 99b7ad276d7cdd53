package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;
import static org.xenolith.core.mm.TestDomain.DONE;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.cpu.mmu.Pte;

class MmuUpdateTest {
    private static final long M2P = 0xffff800000000000L;
    private static final long NOT_MAPPED = 0x70000000L;

    private final TestDomain domain = new TestDomain();

    private long handle(long requests, long count, long done) {
        return domain.mmuUpdate.handle(domain.vcpu, requests, count, done, DomId.SELF);
    }

    private long l1Entry(int slot) {
        return (domain.l1 << 12) + slot * 8L;
    }

    @Test
    void requestsBeforeTheBadOneTakeEffectAndAreCounted() {
        domain.putRequest(0, l1Entry(200), entry(domain.pages[5], RO));
        domain.putRequest(1, l1Entry(201), entry(domain.pages[6], RO));
        domain.putRequest(2, l1Entry(202), entry(domain.l4, RW));
        domain.putRequest(3, l1Entry(203), entry(domain.pages[7], RO));
        assertThat(handle(ARGUMENTS, 4, DONE)).isEqualTo(-EBUSY);
        assertThat(domain.vcpu.mmu().read32(DONE)).isEqualTo(2);
        assertThat(domain.get(domain.l1, 200)).isEqualTo(entry(domain.pages[5], RO));
        assertThat(domain.get(domain.l1, 201)).isEqualTo(entry(domain.pages[6], RO));
        assertThat(domain.get(domain.l1, 202)).isZero();
        assertThat(domain.get(domain.l1, 203)).isZero();
    }

    @Test
    void longCallPausesAndGoesOnWhereItStopped() {
        for (int i = 0; i < 3; i++) {
            domain.putRequest(i, l1Entry(200 + i), entry(domain.pages[5 + i], RO));
        }
        domain.vcpu.pausing = true;
        assertThat(handle(ARGUMENTS, 3, DONE)).isZero();
        for (int calls = 2; calls <= 3; calls++) {
            assertThat(domain.get(domain.l1, 199 + calls)).isZero();
            long[] again = domain.vcpu.again;
            assertThat(again[0]).isEqualTo(ARGUMENTS + (calls - 1) * 16L);
            assertThat(handle(again[0], again[1], again[2])).isZero();
            assertThat(domain.get(domain.l1, 199 + calls)).isNotZero();
        }
        assertThat(domain.vcpu.mmu().read32(DONE)).as("counted over all calls").isEqualTo(3);
    }

    @Test
    void requestsThatRunIntoUnmappedMemoryFailThere() {
        long lastOfPage = (63L << 12) + 0xff0;
        domain.vcpu.mmu().write64(lastOfPage, l1Entry(200));
        domain.vcpu.mmu().write64(lastOfPage + 8, entry(domain.pages[5], RO));
        assertThat(handle(lastOfPage, 1000, DONE)).isEqualTo(-EFAULT);
        assertThat(domain.vcpu.mmu().read32(DONE)).isEqualTo(1);
        assertThat(handle(0x8000_0000_0000_0000L, 1, DONE)).as("not canonical").isEqualTo(-EFAULT);
        assertThat(handle(-8, 1, DONE)).isEqualTo(-EFAULT);
    }

    @Test
    void counterThatCannotBeWrittenIsNoFailure() {
        domain.putRequest(0, l1Entry(200), entry(domain.pages[5], RO));
        assertThat(handle(ARGUMENTS, 1, NOT_MAPPED)).isZero();
        long rootReadOnly = (long) TestDomain.TABLES_SLOT << 12;
        assertThat(handle(ARGUMENTS, 1, rootReadOnly)).isZero();
    }

    @Test
    void preservingUpdateKeepsAccessedAndDirty() {
        long before = domain.get(domain.l1, 20);
        domain.vcpu.mmu().write8(20 << 12, 1);
        assertThat(
                        domain.request(
                                l1Entry(20) | MmuCommand.PT_UPDATE_PRESERVE_AD,
                                entry(domain.pages[20], Pte.PRESENT)))
                .isZero();
        assertThat(domain.get(domain.l1, 20)).isEqualTo(entry(domain.pages[20], RO | Pte.DIRTY));
        assertThat(domain.request(l1Entry(20), before)).isZero();
        assertThat(domain.get(domain.l1, 20)).isEqualTo(before);
    }

    @Test
    void ordinaryPageIsWrittenWithoutValidation() {
        long maddr = (domain.pages[9] << 12) + 0x18;
        assertThat(domain.request(maddr, entry(domain.l4, RW))).isZero();
        assertThat(domain.vcpu.mmu().read64((9 << 12) + 0x18)).isEqualTo(entry(domain.l4, RW));
    }

    @Test
    void machineToPhysicalEntryIsSetForTheGuestToRead() {
        long mfn = domain.pages[9];
        assertThat(domain.request(mfn << 12 | MmuCommand.MACHPHYS_UPDATE, 0x1234)).isZero();
        assertThat(domain.vcpu.mmu().read64(M2P + mfn * 8)).isEqualTo(0x1234);
        assertThat(domain.request(domain.frames.limitMfn() << 12 | MmuCommand.MACHPHYS_UPDATE, 1))
                .isEqualTo(-EINVAL);
        long m2pFrame = Pte.mfn(domain.frames.machineToPhysical().hypervisorEntry(256));
        assertThat(domain.request(m2pFrame << 12 | MmuCommand.MACHPHYS_UPDATE, 1))
                .isEqualTo(-EINVAL);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 7})
    void unknownCommandIsRefused(int command) {
        assertThat(domain.request(l1Entry(200) | command, 0)).isEqualTo(-ENOSYS);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x100, 0x1000, 0x1_0200_0000L, -1, 0x000f_ffff_ffffL})
    void frameThatIsNotTheGuestsCannotBeWritten(long mfn) {
        assertThat(domain.request(mfn << 12, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void otherDomainsAreUnknown() {
        domain.putRequest(0, l1Entry(200), 0);
        for (long owner : new long[] {0, 8, DomId.IO, DomId.XEN, 9L << 16 | DomId.SELF}) {
            assertThat(domain.mmuUpdate.handle(domain.vcpu, ARGUMENTS, 1, 0, owner))
                    .isEqualTo(-ESRCH);
        }
        assertThat(domain.mmuUpdate.handle(domain.vcpu, ARGUMENTS, 1, 0, TestDomain.DOM_ID))
                .isZero();
        long tablesOfMine = (TestDomain.DOM_ID + 1L) << 16 | DomId.SELF;
        assertThat(domain.mmuUpdate.handle(domain.vcpu, ARGUMENTS, 1, 0, tablesOfMine)).isZero();
    }

    @Test
    void updateVaMappingChangesTheEntryOfAnAddress() {
        assertThat(
                        domain.updateVaMapping.handle(
                                domain.vcpu,
                                0x5000,
                                entry(domain.pages[6], RW),
                                MmuCommand.UVMF_INVLPG))
                .isZero();
        assertThat(domain.get(domain.l1, 5)).isEqualTo(entry(domain.pages[6], RW));
        assertThat(domain.updateVaMapping.handle(domain.vcpu, NOT_MAPPED, 0, 0))
                .as("no L1 table there")
                .isEqualTo(-EINVAL);
        assertThat(domain.updateVaMapping.handle(domain.vcpu, M2P, 0, 0)).isEqualTo(-EINVAL);
        assertThat(domain.updateVaMapping.handle(domain.vcpu, 1L << 60, 0, 0)).isEqualTo(-EINVAL);
        assertThat(
                        domain.updateVaMapping.handle(
                                domain.vcpu, 0x5000, entry(domain.l1, RW), MmuCommand.UVMF_INVLPG))
                .isEqualTo(-EBUSY);
        long bitmapNowhere = NOT_MAPPED | MmuCommand.UVMF_INVLPG;
        assertThat(domain.updateVaMapping.handle(domain.vcpu, 0x5000, 0, bitmapNowhere))
                .isEqualTo(-EFAULT);
    }
}
