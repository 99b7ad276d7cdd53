#!/usr/bin/env bash
# Network throughput here beside QEMU's emulator (TCG): the same kernel, the same initramfs, iperf3 in the
# guest, alternating pairs, medians of what the receiver counted.
#
#   bench/net.sh [-t TIER] [PAIRS [SECONDS]]      default: 3 pairs of 5 seconds in each direction
#
#   -t TIER    of ./vmm, default its own
#
# Guest and host: through user-mode NAT (--net nat, -netdev user), to an iperf3 on the host. Guest and guest:
# two processes with a TCP connection for a cable, framed alike (--net stream:, -netdev socket), and two guests
# in one process (vmm up), for which QEMU has no counterpart but its two processes. CPU seconds are those of all
# threads of all guests' processes while iperf3 ran, for each gigabyte that arrived.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

tier=()
while getopts t: option; do
    case $option in
    t) tier=("--tier=$OPTARG") ;;
    *) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
readonly pairs=${1:-3}
readonly seconds=${2:-5}
readonly warm_up_seconds=2 # not counted, for either
readonly memory_mib=192
readonly patience_seconds=$((120 + 4 * seconds))
readonly host_port=5209 cable_port=5210
readonly results=$PWD/target/bench-net
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
    echo "begin $name"
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
    measure $cable -c 10.9.0.1
    echo "result $cable-ping $(ping -c 20 -i 0.1 10.9.0.1 | sed -n 's,.*min/avg/max = [^/]*/\([^/]*\)/.*,\1,p')"
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

# Each replaces its shell by the process that is measured.
xenolith() { # NETWORK ARGUMENTS; the card's address comes of the guest's name
    exec ./vmm boot -n "${2##*=}" -k "$kernel" -i "$results/initrd" -m "${memory_mib}M" --net "$1" "${tier[@]}" \
        -- console=hvc0 $2
}

qemu() { # NETDEV ARGUMENTS
    local number=1
    [[ $2 == *role=server* ]] && number=2
    exec qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand -M q35 -m "$memory_mib" \
        -display none -no-reboot -serial stdio -monitor none \
        -netdev "$1,id=net0" -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:5$number \
        -kernel "$kernel" -initrd "$results/initrd" -append "console=ttyS0 $2"
}

fleet() { # -, ARGUMENTS
    cat >"$results/fleet.toml" <<TOML
[defaults]
kernel = "$kernel"
initrd = "$results/initrd"
memory = "${memory_mib}M"
network = "none"
[guest.server]
cmdline = "console=hvc0 ${2% role=*} role=server"
[guest.client]
cmdline = "console=hvc0 ${2% role=*} role=client"
TOML
    exec ./vmm up "${tier[@]}" "$results/fleet.toml"
}

declare -A started=()
iperf3_server=
stop_started() { for pid in "${started[@]}" $iperf3_server; do kill "$pid" 2>/dev/null || true; done; }
trap stop_started EXIT

# User and system time of all guests' processes so far, in milliseconds: utime and stime of /proc/PID/stat,
# behind the name in parentheses, in ticks of 10 ms.
cpu_ms() {
    local who stat fields sum=0
    for who in "${!started[@]}"; do
        stat=$(cat "/proc/${started[$who]}/stat" 2>/dev/null) || continue
        read -r -a fields <<<"${stat##*) }"
        sum=$((sum + (fields[11] + fields[12]) * 10))
    done
    echo "$sum"
}

# start WHO NETWORK ROLE CONSOLE: begins a guest.
start() {
    ("$1" "$2" "$common role=$3") </dev/null >"$4" 2>&1 &
    started[$3]=$!
}

# run WHO NETWORK ROLE: one guest to its end; its results, with the CPU time that each took, go to those of WHO.
run() {
    local line begun=0
    rm -f "$results/console"
    mkfifo "$results/console"
    start "$1" "$2" "$3" "$results/console"
    while IFS= read -r -t "$patience_seconds" line; do
        line=${line%$'\r'}
        printf '%s\n' "$line" >>"$results/$1.$3.log"
        line=${line#client | }
        case $line in
        'begin '*) begun=$(cpu_ms) ;;
        'result '*) echo "${line#result } $(($(cpu_ms) - begun))" >>"$results/$1" ;;
        esac
    done <"$results/console"
    finish "$3"
}

finish() { # ROLE
    kill "${started[$1]}" 2>/dev/null || true
    wait "${started[$1]}" || true
    unset "started[$1]"
}

# measure WHO NAT LISTEN CONNECT
measure() {
    common="$arguments cable=processes"
    run "$1" "$2" host
    start "$1" "$3" server "$results/$1.server.log"
    sleep 1
    run "$1" "$4" client
    finish server
}

# median WHO NAME COLUMN: 1 for the figure, 2 for the CPU seconds that a gigabyte took.
median() {
    [[ -e $results/$1 ]] || return 0
    awk -v name="$2" -v column="$3" -v seconds=$((seconds + warm_up_seconds)) '
        $1 == name { print column == 1 ? $2 : $3 / 1000 / ($2 * seconds / 8000) }' "$results/$1" | sort -n |
        awk '{ a[NR] = $1 } END { if (NR) printf "%.1f", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2 }'
}

row() { # TEXT OURS THEIRS COLUMN
    local ours theirs
    ours=$(median "${2% *}" "${2#* }" "$4")
    theirs=$(median qemu "$3" "$4")
    printf '%-44s %10s %10s %8s\n' "$1" "${ours:-none}" "${theirs:-none}" \
        "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { if (a + 0 && b + 0) printf "%.2f", a / b; else printf "-" }')"
}

make_initrd
readonly arguments="cryptomgr.notests run=/bench/net port=$host_port seconds=$seconds warm_up=$warm_up_seconds"
common=
iperf3 -s -B 127.0.0.1 -p "$host_port" >"$results/host.iperf3" 2>&1 &
iperf3_server=$!
for ((pair = 1; pair <= pairs; pair++)); do
    printf 'net.sh: pair %d of %d\n' "$pair" "$pairs" >&2
    measure xenolith nat "stream:listen=127.0.0.1:$cable_port" "stream:connect=127.0.0.1:$cable_port"
    common="$arguments cable=inside"
    run fleet - client
    if $with_qemu; then
        measure qemu user "socket,listen=127.0.0.1:$cable_port" "socket,connect=127.0.0.1:$cable_port"
    fi
done

printf 'median of %-34d %10s %10s %8s\n' "$pairs" xenolith qemu ratio
for measured in '1 Mbit/s' '2 CPU s a GB'; do
    column=${measured%% *} unit=${measured#* }
    row "guest to host, $unit" 'xenolith guest-to-host' guest-to-host "$column"
    row "host to guest, $unit" 'xenolith host-to-guest' host-to-guest "$column"
    row "guest to guest, two processes, $unit" 'xenolith processes' processes "$column"
    row "guest to guest, one process, $unit" 'fleet inside' processes "$column"
done
row 'ping, two processes, ms' 'xenolith processes-ping' processes-ping 1
row 'ping, one process, ms' 'fleet inside-ping' processes-ping 1
