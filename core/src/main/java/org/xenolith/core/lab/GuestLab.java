package org.xenolith.core.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A lab whose work runs in a guest. {@code cases.c} of the lab and a file in C of the student are
 * linked to a micro-guest, which boots once for each case, in virtual time: the same work ends in
 * the same way, always.
 *
 * @param hung said of work that neither ends nor waits for anything that comes
 * @param crashed said of work that causes a trap which nobody expects
 */
record GuestLab(
        int number, String title, String file, String hung, String crashed, List<GuestCase> cases)
        implements Lab {
    @Override
    public List<String> readings() {
        return List.of("lab.h");
    }

    @Override
    public List<String> headers() {
        return List.of("micro.h", "string.h", "xen.h");
    }

    @Override
    public LabResult check(Path folder, LabBench bench) throws IOException {
        try (LabFiles.Collected work = new LabFiles(this).collect(folder)) {
            Path image = bench.compiler().build("lab" + number, work.sources());
            return new CaseRunner(hung, crashed, bench.trace()).run(cases, image);
        } catch (GuestCompiler.Refused refused) {
            return new LabResult(
                    List.of(),
                    Optional.of(new LabResult.Failure("it compiles", refused.getMessage())));
        }
    }
}
