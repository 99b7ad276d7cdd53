#!/usr/bin/env bash
# Xenolith beside QEMU's emulator (TCG) and the machine itself: boot, programs inside Debian, PHP pages.
# Prints a Markdown table of medians.
#
#   bench/compare.sh [-n PAIRS] [-t TIER] [ROW...]
#
#   -n PAIRS   alternating pairs, default 5; three take about a quarter of an hour
#   -t TIER    of ./vmm, default its own
#   ROW        boot sha256 hash bytecode getppid forkexec floating gzip python curve lamp; default all
#
# Both sides boot the same kernel file, initramfs, memory and arguments; QEMU as a PC with
# -cpu qemu64,+rdrand -M q35. Times are taken by the host, from marks that the guest prints: the first
# iteration counts. CPU seconds are those of all threads of the process. A ratio above 1 says that
# Xenolith is faster. What a program prints must be the same on all sides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

fail() { printf 'compare.sh: %s\n' "$1" >&2; exit 1; }

pairs=5 tier=()
while getopts n:t: option; do
    case $option in
    n) pairs=$OPTARG ;;
    t) tier=("--tier=$OPTARG") ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
all=(boot sha256 hash bytecode getppid forkexec floating gzip python curve lamp)
rows=("$@")
if ((${#rows[@]} == 0)); then rows=("${all[@]}"); fi
for row in "${rows[@]}"; do
    [[ " ${all[*]} " == *" $row "* ]] || fail "there is no row '$row'; rows are: ${all[*]}"
done
wants() { [[ " ${rows[*]} " == *" $1 "* ]]; }

readonly memory_mib=256 patience_seconds=${PATIENCE:-400}
readonly port=${PORT:-18081} requests=${REQUESTS:-200} concurrency=4
readonly curve_seconds=30 curve_marks='1 3 10 30'
readonly results=$PWD/target/bench-compare
rm -rf "$results"
mkdir -p "$results/root/bench"

for tool in gcc qemu-system-x86_64 cpio; do
    command -v "$tool" >/dev/null || fail "there is no $tool on this machine"
done

# How much each row does. Native times are tenths of a second.
declare -A work=(
    [sha256]='/bench/sha256 64' [hash]='/bench/hash 20000000' [bytecode]='/bench/bytecode 20000000'
    [getppid]='/bench/getppid 1000000' [floating]='/bench/floating 2000000'
    [forkexec]='i=0; while [ $i -lt 300 ]; do /bin/busybox true; i=$((i+1)); done; echo $i'
    [gzip]='/bin/busybox gzip -c /tmp/text | md5sum'
    [python]='/usr/bin/python3 -c "import sys; print(sys.version_info[0])"'
    [curve]="/bench/curve $curve_seconds"
)

# ---- what the guests find

make_programs() {
    local source
    for source in bench/src/main/workloads/*.c; do
        gcc -O2 -static -o "$results/root/bench/$(basename "$source" .c)" "$source" -lm
    done
    (cd "$results/root" && cpio -i -d --quiet bin/busybox <"$base_initrd") || true
}

# The distribution's python3 with what it needs to start: its libraries, and the modules of the first level.
readonly python=/usr/bin/python3
add_python() {
    local version library file
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    library=$results/root/usr/lib/python$version
    mkdir -p "$results/root/usr/bin" "$library/lib-dynload"
    cp -L "$python" "$results/root/usr/bin/python3"
    cp "/usr/lib/python$version"/*.py "$library"
    cp -r "/usr/lib/python$version"/{encodings,collections,importlib} "$library"
    # Compiled once: a start that compiles its modules would measure the compiler.
    "$python" -m compileall -q -s "$results/root" "$library" || true
    for file in $(ldd "$python" | grep -o '/[^ ]*'); do
        mkdir -p "$results/root$(dirname "$file")"
        cp -L "$file" "$results/root$file"
    done
}

# Prints what the guest's /init runs: each row between two marks, what it says as its result.
guest_script() {
    local row
    printf '%s\n' '#!/bin/sh' 'export PATH=/usr/bin:/bin:/sbin' 'mkdir -p /tmp' 'echo "bench: shell"'
    for row in "${rows[@]}"; do
        [[ -n ${work[$row]:-} ]] || continue
        if [[ $row == gzip ]]; then echo '/bench/text 20 >/tmp/text'; fi
        echo "echo 'bench: begin $row'"
        if [[ $row == curve ]]; then
            echo "${work[$row]}"
        else
            echo "result=\$({ ${work[$row]}; } 2>&1)"
        fi
        echo "echo 'bench: end $row'"
        if [[ $row != curve ]]; then echo "echo \"bench: result $row \$result\""; fi
    done
}

make_initrd() {
    make_programs
    if wants python; then
        if [[ -x $python ]]; then
            add_python
        else
            echo "compare.sh: no $python on this machine, its row is left out" >&2
            local kept=() row
            for row in "${rows[@]}"; do if [[ $row != python ]]; then kept+=("$row"); fi; done
            rows=("${kept[@]}")
        fi
    fi
    guest_script >"$results/root/bench/rows"
    chmod 755 "$results/root/bench/rows"
    { cat "$base_initrd"; (cd "$results/root" && find . | grep -v '^./bin' | cpio -o -H newc --quiet); } >"$results/initrd"
}

# ---- the machines; each replaces its shell by the process that is measured

xenolith() {
    exec ./vmm boot -k "$kernel" -i "$results/initrd" -m "${memory_mib}M" "${tier[@]}" -- console=hvc0 $1
}

qemu() {
    exec qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" \
        -display none -no-reboot -nic none -serial stdio -monitor none \
        -kernel "$kernel" -initrd "$results/initrd" -append "console=ttyS0 $1"
}

xenolith_lamp() {
    exec ./vmm boot lamp -m "${memory_mib}M" "${tier[@]}" -p "$port:80" --append hostname=web1
}

qemu_lamp() {
    rm -f "$results/disk.qcow2"
    qemu-img create -q -f qcow2 -b "$lamp_disk" -F raw "$results/disk.qcow2"
    exec qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" \
        -display none -no-reboot -serial stdio -monitor none -kernel "$lamp_kernel" -initrd "$lamp_initrd" \
        -append "$lamp_arguments hostname=web1" \
        -drive "file=$results/disk.qcow2,if=virtio,cache=writeback" \
        -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:80" -device virtio-net-pci,netdev=net
}

# ---- time

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# User and system time of all threads of a process so far, in milliseconds: utime and stime of
# /proc/PID/stat, behind the name in parentheses, in ticks of 10 ms.
cpu_ms() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || { echo 0; return; }
    read -r -a fields <<<"${stat##*) }"
    echo $(((fields[11] + fields[12]) * 10))
}

guest=
stop_guest() {
    if [[ -n $guest ]]; then kill -KILL "$guest" 2>/dev/null || true; wait "$guest" 2>/dev/null || true; fi
    guest=
}
trap stop_guest EXIT

# note WHO ROW WALL_MS CPU_MS
note() { echo "$3 $4" >>"$results/$1.$2"; }

# What a row said, the first time; the same ever after. Otherwise figures mean nothing: the end is a failure.
wrong=false
check_result() {
    local file=$results/said.$2
    if [[ ! -e $file ]]; then
        echo "$3" >"$file"
    elif [[ $(<"$file") != "$3" ]]; then
        echo "compare.sh: $1 COMPUTES SOMETHING ELSE in $2: '$3', not '$(<"$file")'" >&2
        wrong=true
    fi
}

# ---- programs in Debian

# measure WHO: one boot with all rows.
measure() {
    local who=$1 line row start begun=0 begun_cpu=0 ticks=0 now mark marks=()
    rm -f "$results/console"
    mkfifo "$results/console"
    start=$(now_ms)
    ("$who" 'cryptomgr.notests run=/bench/rows') </dev/null >"$results/console" 2>&1 &
    guest=$!
    while IFS= read -r -t "$patience_seconds" line; do
        line=${line%$'\r'}
        printf '%s\n' "$line" >>"$results/$who.log"
        [[ $line == *'bench: '* ]] || continue
        line=${line#*bench: }
        now=$(now_ms)
        case $line in
        shell) if wants boot; then note "$who" boot $((now - start)) "$(cpu_ms "$guest")"; fi ;;
        begin*) begun=$now begun_cpu=$(cpu_ms "$guest") marks=($curve_marks) ticks=0 ;;
        tick*)
            mark=${marks[0]:-}
            if [[ -n $mark ]] && ((now - begun >= mark * 1000)); then
                # Work done in MARK seconds, as the time that a piece took.
                note "$who" "curve-$mark" $(((now - begun) * 1000 / (ticks + 1))) $((($(cpu_ms "$guest") - begun_cpu) * 1000 / (ticks + 1)))
                marks=("${marks[@]:1}")
            fi
            ticks=$((ticks + 1))
            ;;
        end*)
            row=${line#end }
            if [[ $row != curve ]]; then note "$who" "$row" $((now - begun)) $(($(cpu_ms "$guest") - begun_cpu)); fi
            ;;
        result*)
            line=${line#result }
            check_result "$who" "${line%% *}" "${line#* }"
            ;;
        esac
    done <"$results/console"
    if ! grep -q 'run ended with status 0' "$results/$who.log"; then
        stop_guest
        fail "$who did not finish; see $results/$who.log"
    fi
    wait "$guest" || true
    guest=
}

# The same programs on this machine, once a pair.
measure_native() {
    local row start said times
    for row in "${rows[@]}"; do
        [[ -n ${work[$row]:-} && $row != curve ]] || continue
        local command=${work[$row]//\/bench\//$results/root/bench/}
        command=${command//\/bin\/busybox/$results/root/bin/busybox}
        command=${command//\/tmp\/text/$results/text}
        if [[ $row == gzip && ! -e $results/text ]]; then "$results/root/bench/text" 20 >"$results/text"; fi
        start=$(now_ms)
        said=$(bash -c "$command" 2>&1)
        note native "$row" $(($(now_ms) - start)) 0
        check_result native "$row" "$said"
    done
}

# ---- pages

await() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        kill -0 "$guest" 2>/dev/null || fail "the LAMP guest ended: $(tail -n 3 "$results/lamp.log")"
        ((SECONDS < deadline)) || fail "no success in time: $*"
        sleep 0.05
    done
}

measure_lamp() { # WHO
    local who=$1 start before
    start=$(now_ms)
    (exec 3<&-; "${who}_lamp") <"$results/keyboard" >"$results/lamp.log" 2>&1 &
    guest=$!
    await "$patience_seconds" grep -q 'lamp: READY' "$results/lamp.log"
    note "$who" lamp-ready $(($(now_ms) - start)) "$(cpu_ms "$guest")"
    await 120 curl -sf --max-time 60 "http://127.0.0.1:$port/"
    note "$who" lamp-first $(($(now_ms) - start)) "$(cpu_ms "$guest")"
    # As lamp.sh: what is measured comes after a quarter of the load.
    ab -l -q -n $((requests / 4)) -c "$concurrency" "http://127.0.0.1:$port/" >"$results/ab" 2>&1 ||
        fail "ab failed under $who; see $results/ab"
    start=$(now_ms)
    before=$(cpu_ms "$guest")
    ab -l -q -n "$requests" -c "$concurrency" "http://127.0.0.1:$port/" >"$results/ab" 2>&1 ||
        fail "ab failed under $who; see $results/ab"
    note "$who" lamp-page $((($(now_ms) - start) * 1000 / requests)) $((($(cpu_ms "$guest") - before) * 1000 / requests))
    if ! grep -q 'Failed requests: *0$' "$results/ab" || grep -q 'Non-2xx' "$results/ab"; then
        fail "pages failed under $who; see $results/ab"
    fi
    stop_guest
}

# ---- the table

# median WHO ROW COLUMN, in thousandths
median() {
    [[ -e $results/$1.$2 ]] || return 0
    cut -d' ' -f"$3" "$results/$1.$2" | sort -n |
        awk '{ a[NR] = $1 } END { printf "%.3f", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2000 }'
}

print_row() { # TEXT ROW UNIT
    local w=() value
    for value in 'xenolith 1' 'xenolith 2' 'qemu 1' 'qemu 2' 'native 1'; do
        # shellcheck disable=SC2086 # who and column
        set -- "$1" "$2" $value
        w+=("$(median "$3" "$2" "$4")")
    done
    [[ -n ${w[0]} && -n ${w[2]} ]] || return 0
    awk -v text="$1" -v a="${w[0]}" -v ac="${w[1]}" -v b="${w[2]}" -v bc="${w[3]}" -v n="${w[4]:-0}" 'BEGIN {
        native = times = ""
        if (n > 0) {
            native = sprintf("%.3f", n)
            times = sprintf("%.0f / %.0f", a / n, b / n)
        }
        printf "| %s | %.2f | %.2f | %.2f | %.2f | **%.2f** | %s | %s |\n", text, a, ac, b, bc, b / a, native, times
    }'
}

print_table() {
    local mark
    echo "| median of $pairs | Xenolith, s | CPU s | QEMU TCG, s | CPU s | ratio | native, s | times native |"
    echo '|---|---:|---:|---:|---:|---:|---:|---:|'
    print_row 'Debian boot to shell' boot
    print_row 'sha256, 64 MiB' sha256
    print_row 'hash, 20 million operations' hash
    print_row 'bytecode, 20 million rounds' bytecode
    print_row 'getppid, 1 million' getppid
    print_row 'fork and exec, 300' forkexec
    print_row 'floating, 2 million steps' floating
    print_row 'gzip of 20 MiB' gzip
    print_row 'python3 -c' python
    for mark in $curve_marks; do
        print_row "bytecode, milliseconds a piece, first $mark s" "curve-$mark"
    done
    print_row 'LAMP to READY' lamp-ready
    print_row 'LAMP to first page' lamp-first
    print_row 'milliseconds a PHP page' lamp-page
}

image=$(./vmm image debian) || fail './vmm image debian failed'
kernel=$(sed -n 's/^kernel  *//p' <<<"$image")
base_initrd=$(sed -n 's/^initrd  *//p' <<<"$image")
[[ -r $kernel && -r $base_initrd ]] || fail './vmm image debian named no files'
if wants lamp; then
    for tool in curl ab qemu-img; do
        command -v "$tool" >/dev/null || fail "the row lamp needs $tool"
    done
    image=$(./vmm image lamp) || fail './vmm image lamp failed'
    lamp_kernel=$(sed -n 's/^kernel  *//p' <<<"$image")
    lamp_initrd=$(sed -n 's/^initrd  *//p' <<<"$image")
    lamp_disk=$(sed -n 's/^disk  *//p' <<<"$image")
    # With that machine's names of console and disk.
    lamp_arguments=$(sed -n 's/^command line  *//p' <<<"$image" | sed 's/hvc0/ttyS0/; s/xvda/vda/')
    # A keyboard that nobody touches: an end of input would end the guest's shell, or the guest.
    mkfifo "$results/keyboard"
    exec 3<>"$results/keyboard"
fi
make_initrd
programs=false
for row in "${rows[@]}"; do
    if [[ $row == boot || -n ${work[$row]:-} ]]; then programs=true; fi
done
for ((pair = 1; pair <= pairs; pair++)); do
    printf 'compare.sh: pair %d of %d\n' "$pair" "$pairs" >&2
    if $programs; then
        measure xenolith
        measure qemu
        measure_native
    fi
    if wants lamp; then
        measure_lamp xenolith
        measure_lamp qemu
    fi
done
print_table
if $wrong; then fail 'some results differ, see above'; fi
