package org.xenolith.core.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A lab whose work is a hypercall. It is put into the dispatcher of a guest whose kernel, {@code
 * cases.c}, calls it, well and badly.
 */
record HypercallLab(int number, String title, String file, List<GuestCase> cases) implements Lab {
    private static final String HUNG = "Your hypercall was made again and again, without an end.";
    private static final String CRASHED = "The guest got something that its kernel cannot bear.";

    @Override
    public List<String> readings() {
        return List.of();
    }

    @Override
    public LabResult check(Path folder, LabBench bench) throws IOException {
        LabFiles files = new LabFiles(this);
        try (LabFiles.Collected ours = files.collectCases()) {
            Supplier<HypercallHandler> maker =
                    StudentClass.compile(files.work(folder), HypercallHandler.class);
            return run(maker, bench.compiler().build("lab" + number, ours.sources()), bench);
        } catch (StudentClass.Refused refused) {
            return new LabResult(
                    List.of(),
                    Optional.of(new LabResult.Failure("it compiles", refused.getMessage())));
        }
    }

    private LabResult run(Supplier<HypercallHandler> maker, Path image, LabBench bench)
            throws IOException {
        List<String> passed = new ArrayList<>();
        for (GuestCase tried : cases) {
            CallingGuest call;
            try {
                call = new CallingGuest(made(maker));
            } catch (StudentClass.Threw | StudentCall.Endless theirs) {
                return new LabResult(
                        passed,
                        Optional.of(new LabResult.Failure(tried.name(), theirs.getMessage())));
            }
            LabResult result =
                    new CaseRunner(HUNG, CRASHED, bench.trace())
                            .run(List.of(tried.with(call)), image);
            if (!result.isPassed()) {
                String explanation =
                        call.complaint() == null
                                ? result.failure().orElseThrow().explanation()
                                : call.complaint();
                return new LabResult(
                        passed, Optional.of(new LabResult.Failure(tried.name(), explanation)));
            }
            passed.add(tried.name());
        }
        return new LabResult(passed, Optional.empty());
    }

    /** The student's constructor need not return, or may throw anything. */
    private HypercallHandler made(Supplier<HypercallHandler> maker) throws IOException {
        try {
            return StudentCall.within(StudentCall.PATIENCE, maker::get);
        } catch (RuntimeException theirs) {
            throw theirs;
        } catch (Error theirs) {
            throw new StudentClass.Threw(theirs, file);
        } catch (Exception e) {
            throw new IOException("the check was interrupted", e);
        }
    }
}
