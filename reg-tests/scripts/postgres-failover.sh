#!/bin/bash
# A PostgreSQL primary dies and its replica is promoted while pgbench writes and reads through weir, which finds the new
# primary by asking. Prints how many transactions failed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/databases.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -n "$bin" ] || skip "no PostgreSQL here"
need socat python3
[ "$(id -u)" != 0 ] || need runuser
as_user() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
stop_all() {
    touch "$work/enough"
    for n in 1 2; do as_user "$bin/pg_ctl" -D "$work/pg$n/data" -m immediate stop >/dev/null 2>&1 || true; done
    clean_up
}
trap stop_all EXIT
for n in 1 2; do
    mkdir "$work/pg$n"
    [ "$(id -u)" != 0 ] || chown postgres "$work/pg$n"
done
databases_cfg
serve() { # number
    local port=pg$1
    as_user "$bin/pg_ctl" -D "$work/pg$1/data" -l "$work/pg$1/log" -w \
        -o "-p ${!port} -k $work/pg$1 -c listen_addresses=127.0.0.1" start >/dev/null || fail "pg$1 does not start"
}
as_user "$bin/initdb" -A trust -U weir -D "$work/pg1/data" >"$work/initdb.log" 2>&1 || fail initdb
serve 1
export PGHOST=127.0.0.1 PGUSER=weir PGDATABASE=postgres PGCONNECT_TIMEOUT=5
PGPORT=$pg1 "$bin/psql" -qc 'create table written (at timestamptz default now())' || fail "create table"
as_user "$bin/pg_basebackup" -h 127.0.0.1 -p "$pg1" -U weir -D "$work/pg2/data" -R -X stream -c fast || fail pg_basebackup
serve 2
wait_cli '^pg-write,pg1,.*,UP,' show stat
wait_cli '^pg-write,pg2,.*,DOWN' show stat
wait_cli '^pg-read,pg2,.*,UP,' show stat
wait_cli '^pg-read,pg1,.*,DOWN' show stat
recovery() { PGPORT=$1 "$bin/psql" -Atc 'select pg_is_in_recovery()'; }
[ "$(recovery "$pg_write")" = f ] || fail "writes must go to the primary"
[ "$(recovery "$pg_read")" = t ] || fail "reads must go to the replica"

echo 'insert into written default values;' >"$work/write.sql"
echo 'select count(*) from written;' >"$work/read.sql"
keep_doing writes "$bin/pgbench" -n -p "$pg_write" -c 2 -t 5 -f "$work/write.sql"
keep_doing reads "$bin/pgbench" -n -p "$pg_read" -c 2 -t 5 -f "$work/read.sql"
wait_good writes 5
wait_good reads 5
[ "$(failed writes)$(failed reads)" = 00 ] || fail "transactions failed before anything happened"
as_user "$bin/pg_ctl" -D "$work/pg1/data" -m immediate stop >/dev/null
as_user "$bin/pg_ctl" -D "$work/pg2/data" -w promote >/dev/null || fail promote
wait_good writes 5
wait_good reads 5
[ "$(recovery "$pg_write")" = f ] || fail "writes must go to the new primary"
touch "$work/enough"
report writes
report reads
# A program that connects again loses what ran at that moment, and what came before the checks had seen the new primary.
[ "$(failed writes)" -lt 100 ] || fail "too many failed"
