package org.xenolith.core.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A lab whose work is a part of the hypervisor: a Java class that implements one interface. Each
 * case gets a new object of it.
 *
 * @param <T> the interface
 */
record JavaLab<T>(int number, String title, String file, Class<T> type, List<JavaCase<T>> cases)
        implements Lab {

    /**
     * Tries the student's class.
     *
     * @param name as the student sees it
     */
    record JavaCase<T>(String name, Trial<T> trial) {}

    /** What is done with the student's object. */
    @FunctionalInterface
    interface Trial<T> {
        LabVerdict run(T work) throws IOException;
    }

    @Override
    public List<String> readings() {
        return List.of();
    }

    @Override
    public LabResult check(Path folder, LabBench bench) throws IOException {
        Path work = new LabFiles(this).work(folder);
        Supplier<T> maker;
        try {
            maker = StudentClass.compile(work, type);
        } catch (StudentClass.Refused refused) {
            return new LabResult(
                    List.of(),
                    Optional.of(new LabResult.Failure("it compiles", refused.getMessage())));
        }
        List<String> passed = new ArrayList<>();
        for (JavaCase<T> tried : cases) {
            LabVerdict verdict = run(tried, maker, work.getFileName().toString());
            if (!verdict.isPassed()) {
                return new LabResult(
                        passed,
                        verdict.explanation().map(e -> new LabResult.Failure(tried.name(), e)));
            }
            passed.add(tried.name());
        }
        return new LabResult(passed, Optional.empty());
    }

    /** What comes out of the student's code, an Error too, is part of the answer, not ours. */
    private static <T> LabVerdict run(JavaCase<T> tried, Supplier<T> maker, String file)
            throws IOException {
        try {
            return StudentCall.within(StudentCall.PATIENCE, () -> tried.trial().run(maker.get()));
        } catch (StudentClass.Threw | StudentCall.Endless theirs) {
            return LabVerdict.failed(theirs.getMessage());
        } catch (Error theirs) {
            return LabVerdict.failed(new StudentClass.Threw(theirs, file).getMessage());
        } catch (IOException | RuntimeException ours) {
            throw ours;
        } catch (Exception e) {
            throw new IOException("the check was interrupted", e);
        }
    }
}
