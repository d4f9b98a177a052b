# A process that dies of a bad signal says so, and where.
. "$(dirname "$0")/lib.sh"

cat >"$work/weir.cfg" <<EOF
defaults
    mode http
    timeout client 5s
frontend fe
    bind 127.0.0.1:$(free_port)
    http-request return status 200
EOF
ulimit -c 0
"$weir" -V -db -f "$work/weir.cfg" >"$work/weir.log" 2>&1 &
pid=$!
for _ in $(seq 100); do grep -q Ready: "$work/weir.log" && break; sleep 0.05; done
kill -SEGV "$pid"
code=0
wait "$pid" 2>/dev/null || code=$?
[ "$code" = 139 ] || grep -q "AddressSanitizer" "$work/weir.log" || fail "it did not die of the signal"
grep -q "AddressSanitizer" "$work/weir.log" && { echo passed; exit 0; }
grep -q "weir: died of signal 11 (Segmentation fault) .* in thread 'weir.*' of process $pid, version " "$work/weir.log" || fail "it said nothing"
grep -q "weir(.*+0x" "$work/weir.log" || fail "no lines of the stack"
echo passed
