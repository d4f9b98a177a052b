# Servers go on as a state file says when another process starts; a reload in place reads none.
. "$(dirname "$0")/lib.sh"
need socat

mkdir "$work/states" "$work/jail"
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
    server-state-base $work/states
    server-state-file all
    chroot $work/jail
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    load-server-state-from-file global
frontend fe
    bind 127.0.0.1:$(free_port)
    default_backend b
backend b
    server s1 127.0.0.1:1001 weight 10
    server s2 127.0.0.1:1002 weight 10
    server s3 127.0.0.1:1003 disabled
    server s4 127.0.0.1:1004 check inter 1h
    server s5 127.0.0.1:1005 disabled
    server s6 localhost:1006
    server s7 127.0.0.1:1007
backend l
    load-server-state-from-file local
    server s1 127.0.0.1:1 weight 5
backend named
    load-server-state-from-file local
    server-state-file-name mine
    server s1 127.0.0.1:1 weight 5
backend not
    load-server-state-from-file none
    server s1 127.0.0.1:1 weight 5
EOF
"$weir" -c -q -f "$work/weir.cfg" || fail "refused"
run() {
    "$weir" -db -f "$work/weir.cfg" >"$work/weir.log" 2>&1 &
    pid=$!
    started="$started $pid"
    for _ in $(seq 100); do cli show info 2>/dev/null | grep -q "^Pid: $pid$" && return; sleep 0.05; done
    fail "it does not start"
}
run
grep -q "the state of servers is not known: .*$work/states/all" "$work/weir.log" || fail "no warning"
for order in "b/s1 addr 127.0.0.9 port 99" "b/s1 weight 5" "b/s2 state maint" "b/s3 state ready" "b/s4 health down" \
    "b/s6 state drain" "b/s6 addr 127.0.0.7" "l/s1 weight 3" "named/s1 weight 2" "not/s1 weight 1"; do
    cli set server $order >/dev/null
done
cli show servers state >"$work/states/all"
cp "$work/states/all" "$work/states/l"
cp "$work/states/all" "$work/states/mine"
kill "$pid"
wait "$pid" || true # leaks cannot be looked for in a chroot

sed -i 's/server s7 127.0.0.1:1007/server s7 127.0.0.1:1007 weight 9/' "$work/weir.cfg"
run
cli show servers state | awk 'NF > 20 && $1 != "#" { print $2, $4, $5, $6, $7, $8, $19 }' >"$work/after"
diff - "$work/after" <<EOF || fail "not as it was"
b s1 127.0.0.1 2 0 5 99
b s2 127.0.0.1 0 1 10 1002
b s3 127.0.0.1 2 4 1 1003
b s4 127.0.0.1 0 0 1 1004
b s5 127.0.0.1 0 5 1 1005
b s6 127.0.0.7 2 8 1 1006
b s7 127.0.0.1 2 0 9 1007
l s1 127.0.0.1 2 0 3 1
named s1 127.0.0.1 2 0 2 1
not s1 127.0.0.1 2 0 5 1
EOF
grep -q "Server b/s4 is DOWN, changed from server-state after a reload" "$work/weir.log" || fail "no reason"
cli set server b/s2 state ready >/dev/null
kill -HUP "$pid"
for _ in $(seq 100); do grep -q "generation 2" "$work/weir.log" && break; sleep 0.05; done
cli show servers state b | grep -q ' s2 127.0.0.1 2 0 10 ' || fail "a reload has read the file"
kill "$pid"
wait "$pid" || true # leaks cannot be looked for in a chroot

# Nonsense is passed over.
printf '1\n# x\n2 b 1 s1\n2 b 1 s1 nonsense x y z\n2 no 1 such 127.0.0.1 2 0 5 10 2 1 0 2 0 0 0 0 - 99 - 0 0 - - 0\n' >"$work/states/all"
printf '7\n' >"$work/states/l"
run
cli show servers state b | grep -q ' s1 127.0.0.1 2 0 10 ' || fail "nonsense counts"
grep -q "no state file of version 1" "$work/weir.log" || fail "no word of the version"
echo passed
