#!/bin/bash
# pgbench through mode tcp; the primary server is stopped and the backup takes over for new connections.
. "$(dirname "$0")/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -n "$bin" ] || skip "no PostgreSQL here"
need socat python3
[ "$(id -u)" != 0 ] || need runuser
as_user() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
a=$(free_port) b=$(free_port) front=$(free_port)
for port in $a $b; do
    mkdir "$work/pg-$port"
    [ "$(id -u)" != 0 ] || chown postgres "$work/pg-$port"
    as_user "$bin/initdb" -A trust -U weir -D "$work/pg-$port/data" >"$work/initdb.log" 2>&1 || fail initdb
    as_user "$bin/pg_ctl" -D "$work/pg-$port/data" -l "$work/pg-$port/log" -w -o "-p $port -k $work/pg-$port -c listen_addresses=127.0.0.1" start >/dev/null
done
stop_all() { for port in $a $b; do as_user "$bin/pg_ctl" -D "$work/pg-$port/data" -m immediate stop >/dev/null 2>&1 || true; done; clean_up; }
trap stop_all EXIT
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
defaults
    mode tcp
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
listen postgres
    bind 127.0.0.1:$front
    option tcplog
    balance leastconn
    option tcp-check
    default-server inter 200ms fall 2 rise 1
    server pg1 127.0.0.1:$a check
    server pg2 127.0.0.1:$b check backup
EOF
start "$weir" -db -f "$work/weir.cfg"
wait_port "$front"
export PGHOST=127.0.0.1 PGPORT=$front PGUSER=weir PGDATABASE=postgres
for port in $a $b; do "$bin/pgbench" -h 127.0.0.1 -p "$port" -i -q >/dev/null 2>&1 || fail "pgbench -i"; done
"$bin/pgbench" -c 8 -j 2 -T 3 -n >"$work/pgbench.log" 2>&1 || fail "pgbench"
cat "$work/pgbench.log"
grep -q 'number of failed transactions: 0' "$work/pgbench.log" || fail "transactions failed"
[ "$("$bin/psql" -Atc 'show port')" = "$a" ] || fail "pg1 should serve"
as_user "$bin/pg_ctl" -D "$work/pg-$a/data" -m immediate stop >/dev/null
# New connections never fail: a refused one goes to the backup by redispatch or after the check has seen it.
wait_cli 'postgres,pg1,.*DOWN' show stat
"$bin/pgbench" -c 8 -j 2 -T 2 -n >"$work/pgbench2.log" 2>&1 || fail "pgbench on the backup"
[ "$("$bin/psql" -Atc 'show port')" = "$b" ] || fail "pg2 should serve"
