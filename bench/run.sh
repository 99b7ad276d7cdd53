#!/usr/bin/env bash
# Builds the benchmarks and runs them; arguments go to JMH, for example: bench/run.sh Dispatch
set -eu

root=$(cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
on_path=$(readlink -f "$(command -v javac || true)")
jdk=
for candidate in "${JAVA_HOME:-}" "${on_path%/bin/javac}" /usr/lib/jvm/* /usr/java/* /opt/* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*; do
    [[ -n $candidate && -x $candidate/bin/javac && -r $candidate/release ]] || continue
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$candidate/release")
    if ((${version:-0} >= 25)); then
        jdk=$candidate
        break
    fi
done
if [[ -z $jdk ]]; then
    echo "run.sh: no JDK 25 or newer found; set JAVA_HOME to where it is." >&2
    exit 1
fi
rm -rf "$root/bench/target/lib"
(cd "$root" && JAVA_HOME=$jdk mvn -B -ntp -q -pl bench -am -DskipTests -Dformat.skip package)
class_path=$root/bench/target/classes
for jar in "$root"/bench/target/lib/*.jar; do class_path+=:$jar; done
exec "$jdk/bin/java" --enable-native-access=ALL-UNNAMED -cp "$class_path" org.openjdk.jmh.Main "$@"
