#!/usr/bin/env bash
# The LAMP image under Xenolith and under QEMU's TCG: same kernel, initial RAM disk, disk image, memory
# and load, in turn, medians. RUNS=5 MEMORY=128 REQUESTS=2000 bench/lamp.sh
#
# Needs curl, ab (package apache2-utils), qemu-system-x86_64 and qemu-img, and a quiet machine.
set -euo pipefail

root=$(cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
readonly root
readonly runs=${RUNS:-5} memory_mib=${MEMORY:-128} requests=${REQUESTS:-2000} concurrency=4
readonly port=${PORT:-18080} patience_seconds=${PATIENCE:-300}

for tool in curl ab qemu-system-x86_64 qemu-img; do
    command -v "$tool" >/dev/null || { echo "lamp.sh: there is no $tool" >&2; exit 1; }
done

work=$(mktemp -d)
guest_pid=
cleanup() {
    if [[ -n $guest_pid ]]; then kill -KILL "$guest_pid" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

files=$("$root/vmm" image lamp)
value() { sed -n "s/^$1  *//p" <<<"$files"; }
kernel=$(value kernel) initrd=$(value initrd) disk=$(value disk)
# The same arguments, with that machine's names of console and disk.
arguments=$(value 'command line' | sed 's/hvc0/ttyS0/; s/xvda/vda/')

# start_SYSTEM: a fresh guest in the background, its console in $work/console; sets guest_pid.
start_xenolith() {
    "$root/vmm" boot lamp -m "${memory_mib}M" -p "$port:80" --append hostname=web1 \
        <"$work/keyboard" >"$work/console" 2>&1 &
    guest_pid=$!
}

start_qemu() {
    rm -f "$work/disk.qcow2"
    qemu-img create -q -f qcow2 -b "$disk" -F raw "$work/disk.qcow2"
    qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" -smp 1 \
        -display none -serial stdio -no-reboot \
        -kernel "$kernel" -initrd "$initrd" \
        -append "$arguments hostname=web1" \
        -drive "file=$work/disk.qcow2,if=virtio,cache=writeback" \
        -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:80" -device virtio-net-pci,netdev=net \
        <"$work/keyboard" >"$work/console" 2>&1 &
    guest_pid=$!
}

now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }

# await COMMAND...: runs it again and again until it succeeds.
await() {
    local deadline=$((SECONDS + patience_seconds))
    until "$@" >/dev/null 2>&1; do
        kill -0 "$guest_pid" 2>/dev/null || { tail -20 "$work/console" >&2; exit 1; }
        ((SECONDS < deadline)) || { echo "lamp.sh: no success within $patience_seconds s: $*" >&2; exit 1; }
        sleep 0.05
    done
}

page() { curl -sf --max-time 60 "http://127.0.0.1:$port/"; }

# Resident memory of the process, its children included: the launcher may have started the JVM.
rss_mib() {
    ps -o rss= --pid "$guest_pid" --ppid "$guest_pid" | awk '{ kib += $1 } END { printf "%.0f", kib / 1024 }'
}

# measure SYSTEM: one boot and one load; appends "ready first pages rss" to its results.
measure() {
    local system=$1 started ready first rate
    started=$(now)
    "start_$system"
    await grep -q 'lamp: READY' "$work/console"
    ready=$(since "$started")
    await page
    first=$(since "$started")
    # Caches fill and code gets compiled: what is measured comes after.
    ab -l -q -n $((requests / 4)) -c "$concurrency" "http://127.0.0.1:$port/" >/dev/null
    ab -l -q -n "$requests" -c "$concurrency" "http://127.0.0.1:$port/" >"$work/ab"
    if ! grep -q 'Failed requests: *0$' "$work/ab" || grep -q 'Non-2xx' "$work/ab"; then
        echo "lamp.sh: requests failed under $system:" >&2
        cat "$work/ab" >&2
        exit 1
    fi
    rate=$(awk '/^Requests per second/ { print $4 }' "$work/ab")
    echo "$ready $first $rate $(rss_mib)" | tee -a "$work/$system.results" | sed "s/^/$system: /"
    kill -TERM "$guest_pid"
    wait "$guest_pid" 2>/dev/null || true
    guest_pid=
}

# median SYSTEM COLUMN
median() {
    awk -v column="$2" '{ print $column }' "$work/$1.results" | sort -g |
        awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# A keyboard that nobody touches: an end of input would end the guest's shell, or the guest.
mkfifo "$work/keyboard"
exec 3<>"$work/keyboard"

echo 'to READY (s), to first page (s), pages a second, resident (MiB)'
for ((run = 1; run <= runs; run++)); do
    measure xenolith
    measure qemu
done

printf '\n%-34s %10s %10s\n' "median of $runs, $memory_mib MiB" Xenolith 'QEMU TCG'
column=1
for what in 'start to READY, s' 'start to first page, s' 'pages a second' 'resident memory, MiB'; do
    printf '%-34s %10s %10s\n' "$what" "$(median xenolith $column)" "$(median qemu $column)"
    column=$((column + 1))
done
