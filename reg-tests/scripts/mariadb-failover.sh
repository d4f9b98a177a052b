#!/bin/bash
# Two MariaDB servers behind mysql-check, which logs in; the first one dies while clients ask. Prints how many failed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/databases.sh"
need mariadbd mariadb mariadb-install-db socat python3
stop_all() { touch "$work/enough"; clean_up; }
trap stop_all EXIT
databases_cfg
user=$(id -un)
serve() { # number
    local port=mariadb$1 dir=$work/db$1
    mkdir "$dir"
    mariadb-install-db --no-defaults --user="$user" --datadir="$dir/data" --auth-root-authentication-method=normal \
        --skip-test-db >"$work/install-$1.log" 2>&1 || fail "mariadb-install-db"
    start mariadbd --no-defaults --user="$user" --datadir="$dir/data" --socket="$dir/sock" --pid-file="$dir/pid" \
        --port="${!port}" --bind-address=127.0.0.1 --innodb-buffer-pool-size=16M --skip-log-bin
    pids[$1]=$last
    wait_port "${!port}"
}
declare -A pids
serve 1
serve 2
# Nobody has made the user yet: the login of the check is refused.
wait_cli '^mariadb,db1,.*,DOWN.*Access denied for user' show stat
for n in 1 2; do
    mariadb --no-defaults -u root -S "$work/db$n/sock" -e "create user 'weir'@'127.0.0.1'; create user 'app'@'127.0.0.1'" || fail "create user"
done
wait_cli '^mariadb,db1,.*,UP,' show stat
wait_cli '^mariadb,db2,.*,UP,' show stat
ask() { mariadb --no-defaults -h 127.0.0.1 -P "$mariadb" -u app -N -e "$1"; }
[ "$(ask 'select @@port')" = "$mariadb1" ] || fail "db1 must serve"
keep_doing questions mariadb --no-defaults -h 127.0.0.1 -P "$mariadb" -u app -N -e 'select @@port'
wait_good questions 5
kill -9 "${pids[1]}"
wait_good questions 5
[ "$(ask 'select @@port')" = "$mariadb2" ] || fail "db2 must serve"
touch "$work/enough"
report questions
# Connections that are refused go to the other server: only what ran may be lost.
[ "$(failed questions)" -le 2 ] || fail "too many failed"
