#!/bin/bash
# Servers and backends come and go by SIGHUP while wrk runs: no request fails, counters survive, a broken file changes nothing.
. "$(dirname "$0")/lib.sh"
need nginx wrk socat python3
a=$(free_port) b=$(free_port) c=$(free_port) front=$(free_port)
start_nginx "$a" one
start_nginx "$b" two
start_nginx "$c" three
write_config() {
    cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    retries 3
    option redispatch
frontend front
    bind 127.0.0.1:$front
    http-request set-header X-Generation $1
    default_backend $2
backend back
    balance roundrobin
    server one 127.0.0.1:$a
    $3
$4
EOF
}
write_config 1 back "server two 127.0.0.1:$b" ""
start "$weir" -db -f "$work/weir.cfg"; weir_pid=$last
wait_port "$front"
wrk -t1 -c32 -d8s "http://127.0.0.1:$front/" >"$work/wrk.log" 2>&1 &
load=$!
for round in 1 2 3 4 5; do
    write_config "$round" other "server three 127.0.0.1:$c weight 2" "backend other
    server three 127.0.0.1:$c
    server one 127.0.0.1:$a"
    kill -HUP "$weir_pid"
    wait_cli '^other,three' show stat
    # A mistake changes nothing.
    write_config "$round" nowhere "server x 127.0.0.1:$c wieght 2" ""
    kill -HUP "$weir_pid"
    sleep 0.2
    cli show stat | grep -q '^other,three' || fail "a refused file changed something"
    write_config "$round" back "server two 127.0.0.1:$b" ""
    kill -HUP "$weir_pid"
    wait_cli '^back,two' show stat
    for _ in $(seq 100); do cli show stat | grep -q '^other,' || break; sleep 0.05; done
    ! cli show stat | grep -q '^other,' || fail "backend other did not go"
done
wait "$load" || fail "wrk ended badly"
cat "$work/wrk.log"
grep -q 'requests in' "$work/wrk.log" || fail "no requests"
! grep -q 'Non-2xx' "$work/wrk.log" || fail "some requests failed"
! grep -q 'Socket errors' "$work/wrk.log" || fail "some connections failed"
total=$(cli show stat | awk -F, '$1 == "front" && $2 == "FRONTEND" { print $49 }')
done_by_wrk=$(awk '/requests in/ { print $1 }' "$work/wrk.log")
[ "$total" -ge "$done_by_wrk" ] || fail "the frontend counted $total requests, wrk $done_by_wrk: counters did not survive"
