# Sourced by checks that start a fleet behind its proxy: where it works, how it ends, and what a failure says.
# The check has changed to the top of the tree and set check to its own name; it sets vmm_pid while its fleet runs.
readonly proxy=127.0.0.1:8080
readonly patience_seconds=${PATIENCE:-300}
readonly vmm=$PWD/vmm

work=$(mktemp -d)
vmm_pid=
failed=
finish() {
    if [[ -n $vmm_pid ]]; then
        kill -INT "$vmm_pid" 2>/dev/null || true
        wait "$vmm_pid" 2>/dev/null || true
    fi
    if ((${#failed} == 0)); then rm -rf "$work"; else echo "logs are in $work" >&2; fi
}
trap finish EXIT

fail() {
    failed=$1
    echo "$check: $1" >&2
    exit 1
}

step() { printf '\n== %s\n' "$*"; }

# start_fleet FILE: in the background, where its overlays are thrown away in the end; its output is in $work/up.log.
start_fleet() {
    (cd "$work" && exec env --default-signal=INT "$vmm" up "$1") >>"$work/up.log" 2>&1 &
    vmm_pid=$!
}

# from_guest NAME CURL-ARGUMENTS...: its first page through the proxy; fails unless it is a 200.
from_guest() {
    local name=$1
    shift
    curl -sS --fail --max-time 60 --connect-to "::$proxy" "$@" "http://$name.localhost/"
}
