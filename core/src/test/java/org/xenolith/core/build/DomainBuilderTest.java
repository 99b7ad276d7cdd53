package org.xenolith.core.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.image.XenElfNote;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.mm.VcpuMemory;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StoreWatch;

import java.nio.charset.StandardCharsets;

class DomainBuilderTest {
    private static final long VIRT_BASE = 0xffffffff80000000L;
    private static final long M2P = 0xffff800000000000L;
    private static final long PAGES_512_MB = 0x20000;
    private static final byte[] INITRD = "070701 and so on".getBytes(StandardCharsets.US_ASCII);

    private FrameTable frames;
    private PageTypes types;
    private BuiltDomain domain;
    private Mmu mmu;

    private void build(FakeKernel kernel, long pages, byte[] initrd) throws BuildFailed {
        frames = TestMemory.freshFrames(pages);
        types = new PageTypes(frames);
        domain = DomainBuilder.build(types, kernel.request(pages, initrd, "console=hvc0"));
        mmu = new Mmu(new VcpuMemory(types), StoreWatch.NONE);
        mmu.setRoot(domain.cr3Mfn());
    }

    private void buildDebian() throws BuildFailed {
        build(FakeKernel.likeDebian(), PAGES_512_MB, INITRD);
    }

    @Test
    void debiansKernelIsLaidOutAsOnRealXen() throws BuildFailed {
        InitialLayout layout =
                InitialLayout.plan(
                        FakeKernel.likeDebian().elf(),
                        FakeKernel.likeDebian().request(0, INITRD, "").notes(),
                        INITRD.length,
                        PAGES_512_MB);

        // Seen in the log of a domU of 512 MB on Xen 4.17.
        assertThat(layout.startInfoPfn()).isEqualTo(0x3e00);
        assertThat(layout.storePfn()).isEqualTo(0x3e01);
        assertThat(layout.consolePfn()).isEqualTo(0x3e02);
        assertThat(layout.tables().getFirst().pfn()).isEqualTo(0x3e03);
        assertThat(layout.bootTables()).isEqualTo(35);
        assertThat(layout.bootStackPfn()).isEqualTo(0x3e26);
        assertThat(layout.mappedPages()).isEqualTo(0x4000);
        assertThat(layout.initrdPfn()).isEqualTo(0x4000);
        assertThat(layout.p2mVaddr()).isEqualTo(0x8000000000L);
        assertThat(layout.p2mPfn()).isEqualTo(0x4001);
        assertThat(layout.p2mListPages()).isEqualTo(256);
        assertThat(layout.p2mFrames()).as("list, L3, L2 and one L1").isEqualTo(259);
    }

    @Test
    void firstTablesLieTogetherFromTheTopDown() throws BuildFailed {
        buildDebian();
        var tables = domain.layout().tables();
        for (int i = 0; i < domain.layout().bootTables(); i++) {
            assertThat(tables.get(i).pfn()).isEqualTo(0x3e03 + i);
            assertThat(tables.get(i).level()).isEqualTo(i == 0 ? 4 : i == 1 ? 3 : i == 2 ? 2 : 1);
        }
    }

    @Test
    void vcpuStartsAtTheEntryNoteWithStackAndStartInfo() throws BuildFailed {
        buildDebian();
        assertThat(domain.rip()).isEqualTo(0xffffffff8304e1c0L);
        assertThat(domain.rsp()).isEqualTo(0xffffffff83e27000L);
        assertThat(domain.rsi()).isEqualTo(0xffffffff83e00000L);
    }

    @Test
    void segmentsAreLoadedByPhysicalAddress() throws BuildFailed {
        buildDebian();
        assertThat(text(0xffffffff81000000L, 4)).isEqualTo("text");
        assertThat(text(0xffffffff82a00000L, 4)).isEqualTo("data");
        assertThat(text(0xffffffff8301a000L, 7)).as("its vaddr is 0").isEqualTo("per-cpu");
        assertThat(text(0xffffffff8304e000L, 4)).isEqualTo("init");
    }

    private String text(long vaddr, int length) {
        byte[] bytes = new byte[length];
        mmu.copyFrom(vaddr, bytes, 0, length);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    @Test
    void linearMappingLeadsFromPfnToItsFrame() throws BuildFailed {
        buildDebian();
        for (long pfn : new long[] {0, 1, 0x1000, 0x3e03, 0x3fff}) {
            long pte = mmu.pte(VIRT_BASE + (pfn << 12));
            assertThat(Pte.mfn(pte)).isEqualTo(FrameTable.RAM_BASE + pfn);
            assertThat(frames.machineToPhysical().pfn(Pte.mfn(pte))).isEqualTo(pfn);
        }
        assertThat(mmu.pte(VIRT_BASE + (0x4000L << 12))).as("behind the mapped area").isZero();
    }

    @Test
    void pageTablesAreMappedReadOnly() throws BuildFailed {
        buildDebian();
        for (InitialLayout.Table table : domain.layout().tables()) {
            if (table.pfn() < domain.layout().mappedPages()) {
                assertThat(mmu.pte(VIRT_BASE + (table.pfn() << 12)) & Pte.WRITABLE).isZero();
            }
        }
        long l4 = VIRT_BASE + (0x3e03L << 12);
        assertThatThrownBy(() -> mmu.write64(l4, 0))
                .isInstanceOfSatisfying(
                        GuestFault.class,
                        fault -> {
                            assertThat(fault.address()).isEqualTo(l4);
                            assertThat(fault.errorCode())
                                    .isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
                        });
    }

    @Test
    void p2mListIsMappedWhereTheNoteSaysAndNamesEveryFrame() throws BuildFailed {
        buildDebian();
        for (long pfn = 0; pfn < PAGES_512_MB; pfn += 0xfff) {
            assertThat(mmu.read64(0x8000000000L + pfn * 8)).isEqualTo(FrameTable.RAM_BASE + pfn);
        }
        mmu.write64(0x8000000000L, 5);
    }

    @Test
    void machineToPhysicalArrayIsReadOnlyAndHasNoNumberForSharedInfo() throws BuildFailed {
        buildDebian();
        for (long pfn = 0; pfn < PAGES_512_MB; pfn += 0xfff) {
            assertThat(mmu.read64(M2P + (FrameTable.RAM_BASE + pfn) * 8)).isEqualTo(pfn);
        }
        assertThat(mmu.read64(M2P + domain.sharedInfoMfn() * 8)).isEqualTo(-1);
        assertThatThrownBy(() -> mmu.write64(M2P, 0)).isInstanceOf(GuestFault.class);
    }

    @Test
    void startInfoTellsWhereEverythingIs() throws BuildFailed {
        buildDebian();
        long host = frames.frame(domain.startInfoMfn());
        StartInfo info = StartInfo.readFrom(Ram.SEGMENT, host);
        assertThat(text(domain.rsi(), 14)).isEqualTo("xen-3.0-x86_64");
        assertThat(info.nrPages()).isEqualTo(PAGES_512_MB);
        assertThat(info.sharedInfoMaddr()).isEqualTo(domain.sharedInfoMfn() << 12);
        assertThat(info.flags())
                .isEqualTo(StartInfo.SIF_MOD_START_PFN | StartInfo.SIF_VIRT_P2M_4TOOLS);
        assertThat(info.storeMfn()).isEqualTo(domain.storeMfn());
        assertThat(info.storeEvtchn()).isEqualTo(1);
        assertThat(info.consoleMfn()).isEqualTo(domain.consoleMfn());
        assertThat(info.consoleEvtchn()).isEqualTo(2);
        assertThat(info.ptBase()).isEqualTo(0xffffffff83e03000L);
        assertThat(info.nrPtFrames()).isEqualTo(35);
        assertThat(info.mfnList()).isEqualTo(0x8000000000L);
        assertThat(info.modStart()).isEqualTo(0x4000);
        assertThat(info.modLen()).isEqualTo(INITRD.length);
        assertThat(info.cmdLine()).isEqualTo("console=hvc0");
        assertThat(info.firstP2mPfn()).isEqualTo(0x4001);
        assertThat(info.nrP2mFrames()).isEqualTo(259);
    }

    @Test
    void initrdLiesBehindTheMappedArea() throws BuildFailed {
        buildDebian();
        byte[] bytes = new byte[INITRD.length];
        Ram.read(frames.frame(FrameTable.RAM_BASE + 0x4000), bytes, 0, bytes.length);
        assertThat(bytes).isEqualTo(INITRD);
    }

    @Test
    void noInitrdMeansNoModule() throws BuildFailed {
        build(FakeKernel.likeDebian(), PAGES_512_MB, new byte[0]);
        StartInfo info = StartInfo.readFrom(Ram.SEGMENT, frames.frame(domain.startInfoMfn()));
        assertThat(info.modStart()).isZero();
        assertThat(info.modLen()).isZero();
        assertThat(info.flags() & StartInfo.SIF_MOD_START_PFN).isZero();
    }

    @Test
    void rootIsPinnedAndHeldByTheFirstVcpu() throws BuildFailed {
        buildDebian();
        assertThat(frames.isPinned(domain.cr3Mfn())).isTrue();
        assertThat(frames.type(domain.cr3Mfn())).isEqualTo(FrameType.L4_TABLE);
        assertThat(frames.typeCount(domain.cr3Mfn())).isEqualTo(2);
        long l3 = FrameTable.RAM_BASE + domain.layout().tables().get(1).pfn();
        assertThat(frames.type(l3)).isEqualTo(FrameType.L3_TABLE);
        assertThat(frames.isPinned(l3)).isFalse();
    }

    @Test
    void sharedInfoStartsWithEventsMaskedOnEveryVcpu() throws BuildFailed {
        buildDebian();
        long host = frames.frame(domain.sharedInfoMfn());
        for (int vcpu = 0; vcpu < 32; vcpu++) {
            assertThat(Ram.getByte(host + vcpu * 64)).isZero();
            assertThat(Ram.getByte(host + vcpu * 64 + 1)).isEqualTo(1);
        }
    }

    @Test
    void olderKernelHasInitrdAndP2mListInItsLinearMapping() throws BuildFailed {
        build(FakeKernel.old(), 0x1000, INITRD);
        InitialLayout layout = domain.layout();
        assertThat(layout.initrdPfn()).isEqualTo(0x110);
        assertThat(layout.p2mPfn()).isEqualTo(0x111);
        assertThat(layout.startInfoPfn()).isEqualTo(0x111 + 8);
        StartInfo info = StartInfo.readFrom(Ram.SEGMENT, frames.frame(domain.startInfoMfn()));
        assertThat(info.modStart()).isEqualTo(VIRT_BASE + 0x110000);
        assertThat(info.flags() & StartInfo.SIF_MOD_START_PFN).isZero();
        assertThat(info.mfnList()).isEqualTo(VIRT_BASE + 0x111000);
        assertThat(text(info.modStart(), 6)).isEqualTo("070701");
        assertThat(mmu.read64(info.mfnList() + 8 * 0xfff)).isEqualTo(FrameTable.RAM_BASE + 0xfff);
    }

    @Test
    void hypercallPageHasAStubForEveryNumber() throws BuildFailed {
        build(FakeKernel.old(), 0x1000, INITRD);
        byte[] stub = new byte[14];
        mmu.copyFrom(0xffffffff80108000L + 12 * 32, stub, 0, stub.length);
        assertThat(stub)
                .as("push rcx; push r11; mov eax, 12; syscall; pop r11; pop rcx; ret")
                .isEqualTo(hex("51 41 53 b8 0c 00 00 00 0f 05 41 5b 59 c3"));
        byte[] iret = new byte[12];
        mmu.copyFrom(0xffffffff80108000L + 23 * 32, iret, 0, iret.length);
        assertThat(iret)
                .as("push rcx; push r11; push rax; mov eax, 23; syscall")
                .isEqualTo(hex("51 41 53 50 b8 17 00 00 00 0f 05 cc"));
    }

    private static byte[] hex(String text) {
        return java.util.HexFormat.ofDelimiter(" ").parseHex(text);
    }

    @Test
    void kernelAtLinearAddressZeroCanBeBuilt() throws BuildFailed {
        FakeKernel miniOs =
                new FakeKernel()
                        .load(0, 0, "mini-os", 0x40000)
                        .note(XenElfNote.ENTRY, 0)
                        .note(XenElfNote.VIRT_BASE, 0);
        build(miniOs, 0x1000, new byte[0]);
        assertThat(text(0, 7)).isEqualTo("mini-os");
    }

    @Test
    void tooLittleMemoryIsOneClearSentence() {
        assertThatThrownBy(() -> build(FakeKernel.likeDebian(), 0x2000, new byte[0]))
                .isInstanceOf(BuildFailed.class)
                .hasMessage(
                        "The kernel alone needs 62 MiB of memory, but the domain has only 32 MiB");
        assertThatThrownBy(() -> build(FakeKernel.likeDebian(), 0x3f00, new byte[0]))
                .isInstanceOf(BuildFailed.class)
                .hasMessageStartingWith("The kernel with its first page tables needs 65 MiB");
    }

    @Test
    void tooLargeInitrdIsOneClearSentence() {
        assertThatThrownBy(() -> build(FakeKernel.likeDebian(), 0x8000, new byte[80 << 20]))
                .isInstanceOf(BuildFailed.class)
                .hasMessage(
                        "With its initrd of 80 MiB the kernel needs 145 MiB of memory, but the"
                                + " domain has only 128 MiB");
    }

    @Test
    void tooLongCommandLineIsOneClearSentence() {
        FrameTable small = TestMemory.freshFrames(0x1000);
        BuildRequest request = FakeKernel.old().request(0x1000, INITRD, "x".repeat(1024));
        assertThatThrownBy(() -> DomainBuilder.build(new PageTypes(small), request))
                .isInstanceOf(BuildFailed.class)
                .hasMessageContaining("command line is longer than the 1023 bytes");
    }

    @Test
    void notesThatNameTheHypervisorsAddressesAreRefused() {
        FakeKernel kernel =
                new FakeKernel()
                        .load(0, 0x1000, "x", 0x1000)
                        .note(XenElfNote.ENTRY, 0)
                        .note(XenElfNote.VIRT_BASE, 0xffff800000000000L);
        assertThatThrownBy(() -> build(kernel, 0x1000, INITRD))
                .isInstanceOf(BuildFailed.class)
                .hasMessageContaining("VIRT_BASE");
    }
}
