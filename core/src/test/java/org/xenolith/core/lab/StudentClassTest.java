package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** What becomes of a Java file that somebody else has written. */
class StudentClassTest {
    @TempDir Path folder;

    private Supplier<HypercallHandler> compile(String text) throws IOException, Exception {
        Path file = Files.writeString(folder.resolve("Mine.java"), text);
        return StudentClass.compile(file, HypercallHandler.class);
    }

    private static String classWith(String body) {
        return "import org.xenolith.core.lab.*;\n"
                + "final class Mine implements HypercallHandler {\n"
                + body
                + "\npublic long call(GuestMemory m, long a, long b, long c) { return a + n; }\n"
                + "private record R(long x) {}\nlong n = new R(5).x();\n}\n";
    }

    @Test
    void eachObjectIsANewOneAndInnerClassesAreFound() throws Exception {
        Supplier<HypercallHandler> maker = compile(classWith(""));
        assertThat(maker.get().call(null, 2, 0, 0)).isEqualTo(7);
        assertThat(maker.get()).isNotSameAs(maker.get());
    }

    @Test
    void compilersMessageNamesTheLine() {
        assertThatThrownBy(() -> compile(classWith("int wrong = \"text\";")))
                .isInstanceOf(StudentClass.Refused.class)
                .hasMessageStartingWith("Mine.java:3: ")
                .hasMessageContaining("String");
    }

    @Test
    void classOfAnotherNameOrKindIsRefusedInASentence() {
        assertThatThrownBy(() -> compile("class Other {}"))
                .hasMessage("Mine.java has no class Mine without a package.");
        assertThatThrownBy(() -> compile("class Mine {}"))
                .hasMessage("Mine does not implement HypercallHandler.");
        assertThatThrownBy(() -> compile(classWith("").replace("final class", "abstract class")))
                .hasMessage("Mine is abstract: no object of it can be made.");
        assertThatThrownBy(() -> compile(classWith("Mine(int n) {}")))
                .hasMessage("Mine has no constructor without parameters.");
    }

    /** The grader's process would end, with the status of a check that was passed. */
    @ParameterizedTest
    @CsvSource({"System.exit(0), System.exit", "Runtime.getRuntime().halt(0), Runtime.halt"})
    void classThatEndsTheProcessIsRefused(String call, String named) {
        assertThatThrownBy(() -> compile(classWith("{ if (this.n > 5) " + call + "; }")))
                .isInstanceOf(StudentClass.Refused.class)
                .hasMessageStartingWith("Mine.java calls " + named + ". It is a part of");
    }

    @Test
    void constructorThatThrowsIsTheStudents() throws Exception {
        Supplier<HypercallHandler> maker =
                compile(classWith("Mine() { throw new IllegalStateException(\"oh\"); }"));
        assertThatThrownBy(maker::get)
                .isInstanceOf(StudentClass.Threw.class)
                .hasMessageContaining("oh")
                .hasMessageContaining("in line 3");
    }
}
