# For the scripts beside it: examples/databases.cfg on free ports, and what keeps operations going.
# Sets $pg_write, $pg_read, $mariadb, $redis and the same with 1 and 2 for the servers behind.
databases_cfg() {
    local name port script="s|/tmp/weir-databases.sock|$work/weir.sock|"
    for pair in pg_write:15432 pg_read:15433 mariadb:13306 redis:16379 pg1:5432 pg2:5433 mariadb1:3306 mariadb2:3307 \
        redis1:6379 redis2:6380; do
        name=${pair%:*} port=$(free_port)
        eval "$name=$port"
        script="$script; s|127.0.0.1:${pair#*:}\$|127.0.0.1:$port|; s|127.0.0.1:${pair#*:} |127.0.0.1:$port |"
    done
    sed "$script" examples/databases.cfg >"$work/weir.cfg"
    start "$weir" -db -f "$work/weir.cfg"
    wait_port "$pg_write"
}

# Run a command again and again; $work/NAME.ops has a line for each time: milliseconds, ok or failed.
keep_doing() { # name command...
    local name=$1; shift
    : >"$work/$name.ops"
    (
        while [ ! -e "$work/enough" ]; do
            if timeout 10 "$@" >"$work/$name.out" 2>&1; then result=ok; else result=failed; fi
            echo "$(date +%s%3N) $result" >>"$work/$name.ops"
            [ $result = ok ] || { cp "$work/$name.out" "$work/$name.log"; sleep 0.02; }
        done
    ) &
    started="$started $!"
}

# Wait until so many more have gone well, one after the other.
wait_good() { # name count
    local from
    from=$(wc -l <"$work/$1.ops")
    for _ in $(seq 300); do
        if [ "$(tail -n +$((from + 1)) "$work/$1.ops" | tail -n "$2" | grep -c ok)" -ge "$2" ]; then return 0; fi
        sleep 0.1
    done
    fail "$1 do not work: $(tail -n 3 "$work/$1.ops")"
}

# How many failed, and from the first to the last.
report() { # name
    awk -v name="$1" '/failed/ { n++; if (!first) first = $1; last = $1 }
        END { printf "%s: %d of %d failed, in %d ms\n", name, n, NR, last - first }' "$work/$1.ops"
}
failed() { grep -c failed "$work/$1.ops" || true; }
