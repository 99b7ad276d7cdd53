#!/usr/bin/env bash
# Network throughput here beside QEMU's emulator (TCG): the same kernel, the same initramfs, iperf3 in the
# guest, alternating pairs, medians of what the receiver counted.
#
#   bench/net.sh [PAIRS [SECONDS]]      default: 3 pairs of 5 seconds in each direction
#
# Guest and host: through user-mode NAT (--net nat, -netdev user), to an iperf3 on the host. Guest and guest:
# two processes with a TCP connection for a cable, framed alike (--net stream:, -netdev socket).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

readonly pairs=${1:-3}
readonly seconds=${2:-5}
readonly warm_up_seconds=2 # not counted, for either
readonly memory_mib=192
readonly patience_seconds=$((120 + 4 * seconds))
readonly host_port=5209 cable_port=5210
readonly results=target/bench-net
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/xenolith/bench-net
rm -rf "$results"
mkdir -p "$results" "$cache"

image=$(./vmm image debian 2>/dev/null)
kernel=$(sed -n 's/^kernel  *//p' <<<"$image")
base_initrd=$(sed -n 's/^initrd  *//p' <<<"$image")
readonly kernel base_initrd
[[ -r $kernel && -r $base_initrd ]] || { echo 'net.sh: ./vmm image debian named no files' >&2; exit 1; }

if ! command -v iperf3 >/dev/null; then
    echo '*** NO IPERF3 ON THIS MACHINE: nothing to measure with. Install the package iperf3. ***' >&2
    exit 1
fi
with_qemu=true
if ! command -v qemu-system-x86_64 >/dev/null; then
    with_qemu=false
    echo '*** NO QEMU ON THIS MACHINE: nothing to compare with. Install qemu-system-x86 for the other half. ***' >&2
fi

# ---- what the guests find

# A PC's network card is a module too; it is not in the initramfs, and its package is in the cache.
virtio_modules() {
    local package folder name
    package=$(ls "$(dirname "$(dirname "$kernel")")"/linux-image-*.deb | head -n 1)
    folder=$cache/$(basename "$package" .deb)
    [[ -d $folder ]] || { dpkg-deb -x "$package" "$folder.new" && mv "$folder.new" "$folder"; }
    for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
        failover net_failover virtio_net; do
        find "$folder" -name "$name.ko"
    done
}

guest_script() {
    cat <<'SCRIPT'
#!/bin/sh
# role: host measures against the host; server and client are the two ends of a cable.
if [ ! -e /sys/class/net/eth0 ]; then
    for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
        failover net_failover virtio_net; do
        insmod /bench/$module.ko
    done
    sleep 1
fi
ip link set eth0 up
measure() {
    name=$1
    shift
    until iperf3 -f m -t "$seconds" -O "$warm_up" "$@" >/tmp/report 2>&1; do
        sed 's/^/iperf3: /' /tmp/report
        sleep 1
    done
    echo "result $name $(awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") print $(i - 1) }' /tmp/report)"
}
case $role in
host)
    udhcpc -i eth0 -n -q -s /bench/lease >/dev/null 2>&1
    measure guest-to-host -c 10.0.2.2 -p "$port"
    measure host-to-guest -c 10.0.2.2 -p "$port" -R
    ;;
server)
    ip addr add 10.9.0.1/24 dev eth0
    iperf3 -s -D
    until ping -c 1 -W 1 10.9.0.2 >/dev/null 2>&1; do :; done
    while ping -c 1 -W 5 10.9.0.2 >/dev/null 2>&1; do sleep 2; done
    ;;
client)
    ip addr add 10.9.0.2/24 dev eth0
    until ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1; do :; done
    measure guest-to-guest -c 10.9.0.1
    echo "result ping-ms $(ping -c 20 -i 0.1 10.9.0.1 | sed -n 's,.*min/avg/max = [^/]*/\([^/]*\)/.*,\1,p')"
    ;;
esac
SCRIPT
}

make_initrd() {
    local root=$results/root file
    mkdir -p "$root/bench" "$root/usr/bin"
    if $with_qemu; then cp $(virtio_modules) "$root/bench"; fi
    guest_script >"$root/bench/net"
    printf '%s\n' '#!/bin/sh' '[ "$1" = bound ] && ip addr add $ip/$mask dev $interface' >"$root/bench/lease"
    chmod 755 "$root/bench/net" "$root/bench/lease"
    cp "$(command -v iperf3)" "$root/usr/bin/iperf3"
    # The program's libraries, and the loader at the very path that the program names.
    for file in $(ldd "$(command -v iperf3)" | grep -o '/[^ ]*'); do
        mkdir -p "$root$(dirname "$file")"
        cp -L "$file" "$root$file"
    done
    { cat "$base_initrd"; (cd "$root" && find . | cpio -o -H newc --quiet); } >"$results/initrd"
}

# ---- the machines; each prints its console

xenolith() { # NETWORK ARGUMENTS; the card's address comes of the guest's name
    ./vmm boot -n "${2##*=}" -k "$kernel" -i "$results/initrd" -m "${memory_mib}M" --net "$1" -- console=hvc0 $2
}

qemu() { # NETDEV ARGUMENTS
    local number=1
    [[ $2 == *role=server* ]] && number=2
    qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" \
        -display none -no-reboot -serial stdio -monitor none \
        -netdev "$1,id=net0" -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:5$number \
        -kernel "$kernel" -initrd "$results/initrd" -append "console=ttyS0 $2"
}

started=()
stop_started() { for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; }
trap stop_started EXIT

# run WHO NETWORK ROLE: one guest to its end; its results are appended to those of WHO.
run() {
    local who=$1 console=$results/$1.$3.console
    timeout "$patience_seconds" bash -c "$(declare -f "$who"); $who '$2' '$common role=$3'" \
        </dev/null >"$console" 2>&1 || true
    sed -n 's/\r$//; s/^result //p' "$console" >>"$results/$who"
}

# measure WHO NAT LISTEN CONNECT
measure() {
    local server
    run "$1" "$2" host
    run "$1" "$3" server &
    server=$!
    sleep 1
    run "$1" "$4" client
    wait "$server"
}

median() { # WHO NAME
    sed -n "s/^$2 //p" "$results/$1" | sort -n |
        awk '{ a[NR] = $1 } END { if (NR) printf "%.1f", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2; else printf "none" }'
}

row() { # TEXT NAME
    local ours theirs=none
    ours=$(median xenolith "$2")
    if $with_qemu; then theirs=$(median qemu "$2"); fi
    printf '%-28s %10s %10s %8s\n' "$1" "$ours" "$theirs" \
        "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { if (a + 0 && b + 0) printf "%.2f", a / b; else printf "-" }')"
}

make_initrd
common="cryptomgr.notests run=/bench/net port=$host_port seconds=$seconds warm_up=$warm_up_seconds"
export kernel results memory_mib
iperf3 -s -B 127.0.0.1 -p "$host_port" >"$results/host.iperf3" 2>&1 &
started+=($!)
for ((pair = 1; pair <= pairs; pair++)); do
    printf 'net.sh: pair %d of %d\n' "$pair" "$pairs" >&2
    measure xenolith nat "stream:listen=127.0.0.1:$cable_port" "stream:connect=127.0.0.1:$cable_port"
    if $with_qemu; then
        measure qemu user "socket,listen=127.0.0.1:$cable_port" "socket,connect=127.0.0.1:$cable_port"
    fi
done

printf 'median of %-18d %10s %10s %8s\n' "$pairs" xenolith qemu ratio
row 'guest to host, Mbit/s' guest-to-host
row 'host to guest, Mbit/s' host-to-guest
row 'guest to guest, Mbit/s' guest-to-guest
row 'ping guest to guest, ms' ping-ms
