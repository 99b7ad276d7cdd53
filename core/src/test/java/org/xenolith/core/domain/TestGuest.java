package org.xenolith.core.domain;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;

import java.util.SplittableRandom;

/** A domain with vCPUs and a shared page, but no kernel and no page tables. */
public final class TestGuest {
    public final Domain domain;
    public final long sharedInfo;

    public TestGuest(int vcpus) {
        FrameTable frames = TestMemory.freshFrames(64);
        sharedInfo = frames.ownFrame(frames.reservation().populate(0));
        Scheduler scheduler = new Scheduler((vcpu, slice) -> VirtualCpu.State.OFFLINE);
        domain =
                new Domain(
                        7,
                        "test",
                        new PageTypes(frames),
                        GuestClock.virtual(),
                        scheduler,
                        sharedInfo);
        for (int i = 0; i < vcpus; i++) {
            scheduler.add(domain.addVcpu(new SplittableRandom(i)));
        }
    }
}
