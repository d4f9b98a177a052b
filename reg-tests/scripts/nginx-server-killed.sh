#!/bin/bash
# wrk runs while one of two nginx servers is killed, restarted, and killed again: no request fails that a retry can save.
. "$(dirname "$0")/lib.sh"
need nginx wrk socat python3
a=$(free_port) b=$(free_port) front=$(free_port)
start_nginx "$a" one
start_nginx "$b" two; second=$last
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout queue 5s
    retries 3
    option redispatch 1
    retry-on all-retryable-errors
frontend front
    bind 127.0.0.1:$front
    default_backend back
backend back
    balance roundrobin
    default-server check inter 200ms fall 2 rise 1
    server one 127.0.0.1:$a
    server two 127.0.0.1:$b
EOF
start "$weir" -db -f "$work/weir.cfg"
wait_port "$front"
wrk -t1 -c32 -d6s "http://127.0.0.1:$front/" >"$work/wrk.log" 2>&1 &
load=$!
sleep 1
kill -9 "$second"
wait_cli 'back,two,.*DOWN' show stat
start_nginx "$b" two; second=$last
wait_cli 'back,two,.*UP' show stat
kill "$second"
wait_cli 'back,two,.*DOWN' show stat
wait "$load" || fail "wrk ended badly"
cat "$work/wrk.log"
grep -q 'requests in' "$work/wrk.log" || fail "no requests"
! grep -q 'Non-2xx' "$work/wrk.log" || fail "some requests failed"
! grep -q 'Socket errors' "$work/wrk.log" || fail "some connections failed"
