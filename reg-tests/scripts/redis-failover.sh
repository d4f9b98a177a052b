#!/bin/bash
# A Redis master dies and its replica becomes the master while redis-benchmark writes through weir, which finds the master
# by asking for roles. Prints how many runs failed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/databases.sh"
need redis-server redis-cli redis-benchmark socat python3
stop_all() { touch "$work/enough"; clean_up; }
trap stop_all EXIT
databases_cfg
start redis-server --port "$redis1" --bind 127.0.0.1 --save '' --dir "$work"
master=$last
start redis-server --port "$redis2" --bind 127.0.0.1 --save '' --dir "$work" --replicaof "127.0.0.1 $redis1"
wait_port "$redis1"
wait_port "$redis2"
wait_cli '^redis,redis1,.*,UP,' show stat
wait_cli '^redis,redis2,.*,DOWN' show stat
for _ in $(seq 100); do redis-cli -p "$redis2" info replication | grep -q 'master_link_status:up' && break; sleep 0.1; done
role() { redis-cli -p "$redis" info server | tr -d '\r' | sed -n 's/^tcp_port://p'; }
[ "$(role)" = "$redis1" ] || fail "the master must serve"
# redis-benchmark goes on after errors of the server (a replica refuses to be written), so they are looked for.
run_benchmark() { redis-benchmark -p "$1" -n 200 -c 4 -t set -q >"$2" 2>&1 && ! grep -qi error "$2"; }
export -f run_benchmark
keep_doing writes bash -c "run_benchmark $redis $work/benchmark.out"
wait_good writes 5
[ "$(failed writes)" = 0 ] || fail "writes failed before anything happened"
kill -9 "$master"
redis-cli -p "$redis2" replicaof no one >/dev/null
wait_good writes 5
[ "$(role)" = "$redis2" ] || fail "the new master must serve"
touch "$work/enough"
report writes
[ "$(failed writes)" -lt 100 ] || fail "too many failed"
