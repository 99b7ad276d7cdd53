#!/usr/bin/env bash
# The Debian boot here beside the same boot in QEMU's emulator (TCG): same kernel, initramfs, memory and
# kernel arguments, alternating, medians of wall time and of CPU time of all threads.
#
#   bench/boot.sh [PAIRS]      default: 5
#
# The kernel is one file: QEMU boots it as on a PC (console ttyS0), Xenolith as a Xen PV guest (hvc0).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

readonly pairs=${1:-5}
readonly memory_mib=128
readonly arguments='cryptomgr.notests run=true'
readonly first_line='Run /init as init process' # the kernel's last word before user space
readonly last_line='xenolith: run ended with status 0' # what run= leaves
readonly patience_seconds=300
readonly results=target/bench-boot
rm -rf "$results"
mkdir -p "$results"

image=$(./vmm image debian 2>/dev/null)
kernel=$(sed -n 's/^kernel  *//p' <<<"$image")
initrd=$(sed -n 's/^initrd  *//p' <<<"$image")
readonly kernel initrd
[[ -r $kernel && -r $initrd ]] || { echo 'boot.sh: ./vmm image debian named no files' >&2; exit 1; }

xenolith() {
    ./vmm boot -k "$kernel" -i "$initrd" -m "${memory_mib}M" -- console=hvc0 $arguments
}

qemu() {
    qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" \
        -display none -no-reboot -nic none -serial stdio -monitor none \
        -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 $arguments"
}

now_ms() { printf '%s\n' "$((${EPOCHREALTIME/./} / 1000))"; }

# measure WHO: one boot; appends "init_ms off_ms cpu_ms" to the results of WHO.
measure() {
    local who=$1 console=$results/$1.console start init='' line
    start=$(now_ms)
    # times: in its second line user and system time of what the subshell has run, all threads.
    {
        (
            timeout "$patience_seconds" bash -c "$(declare -f "$who"); $who" </dev/null 2>&1
            times >"$results/$who.times"
        ) | while IFS= read -r line; do
            printf '%s\n' "$line" >&3
            if [[ -z $init && $line == *"$first_line"* ]]; then
                init=$(($(now_ms) - start))
                echo "$init" >"$results/$who.init"
            fi
        done
    } 3>"$console"
    local off=$(($(now_ms) - start))
    grep -q "$last_line" "$console" || { echo "boot.sh: $who did not boot; see $console" >&2; exit 1; }
    echo "$(<"$results/$who.init") $off $(cpu_ms "$results/$who.times")" >>"$results/$who"
}

# A second line "0m1.234s 0m0.056s" is 1290.
cpu_ms() {
    awk 'NR == 2 { for (i = 1; i <= NF; i++) { split($i, t, /[ms]/); sum += t[1] * 60 + t[2] } } END { printf "%d", sum * 1000 }' "$1"
}

median() {
    cut -d' ' -f"$2" "$results/$1" | sort -n |
        awk '{ a[NR] = $1 } END { printf "%.1f", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2000 }'
}

row() { printf '%-30s %8s %8s %8s\n' "$1" "$(median "$2" 1)" "$(median "$2" 2)" "$(median "$2" 3)"; }

export kernel initrd memory_mib arguments
with_qemu=true
if ! command -v qemu-system-x86_64 >/dev/null; then
    with_qemu=false
    echo '*** NO QEMU ON THIS MACHINE: nothing to compare with. Install qemu-system-x86 for the other half. ***' >&2
fi
for ((pair = 1; pair <= pairs; pair++)); do
    printf 'boot.sh: pair %d of %d\n' "$pair" "$pairs" >&2
    measure xenolith
    if $with_qemu; then measure qemu; fi
done

printf 'median of %d, seconds %23s %8s %8s\n' "$pairs" '/init' 'off' 'CPU'
row 'xenolith (Xen PV guest)' xenolith
if $with_qemu; then
    row "$(qemu-system-x86_64 --version | sed -n '1s/ (.*//;1s/emulator version/TCG/p')" qemu
fi
