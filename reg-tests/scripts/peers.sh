#!/bin/bash
# Tables shared with HAProxy, both ways: entries, counters, servers; restarts of either, reloads, three nodes, shards, TLS.
. "$(dirname "$0")/lib.sh"
need socat python3 curl haproxy
declare -A peer_port http_port pid
for node in a b c; do peer_port[$node]=$(free_port); http_port[$node]=$(free_port); done
nodes="a b" peer_options="" bind_options="" section_lines=""

ask() { printf '%s\n' "${*:2}" | socat -t 5 - "UNIX-CONNECT:$work/$1.sock"; } # node command
until_ask() { # node pattern command
    for _ in $(seq 240); do
        if ask "$1" "${@:3}" 2>/dev/null | grep -q -- "$2"; then return 0; fi
        sleep 0.05
    done
    ask "$1" "${@:3}"
    ask "$1" show peers
    fail "$1: '${*:3}' never showed $2"
}
hit() { curl -s -o /dev/null "http://127.0.0.1:${http_port[$1]}/$2"; } # node path

write_node() { # name
    {
        echo "global"; echo "    uid 0"; echo "    chroot /"
        echo "    stats socket $work/$1.sock level admin"
        echo "    localpeer $1"
        echo "defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
peers mesh"
        printf '%s\n' "$section_lines"
        echo "    bind 127.0.0.1:${peer_port[$1]} $bind_options"
        for other in $nodes; do
            if [ "$other" = "$1" ]; then echo "    server $other $peer_options"
            else echo "    server $other 127.0.0.1:${peer_port[$other]} $peer_options ${shard_of[$other]:-}"; fi
        done
        echo "    table paths type string len 30 size 10k expire 10m store gpc0,gpt0
frontend fe
    bind 127.0.0.1:${http_port[$1]}
    http-request track-sc0 src table clients
    http-request track-sc1 path table mesh/paths
    http-request track-sc2 path,length table numbers
    http-request sc-inc-gpc0(1)
    http-request sc-inc-gpc(1,2)
    http-request return status 200 if { path /end }
    default_backend be
backend be
    stick-table type string len 20 size 1k expire 5m srvkey name store server_id peers mesh
    stick on path
    server s1 127.0.0.1:${http_port[$1]}
    server s2 127.0.0.1:${http_port[$1]}
    http-request set-path /end
backend clients
    stick-table type ip size 1k expire 2m store gpc0,conn_cnt,conn_cur,http_req_cnt,http_req_rate(60s),bytes_in_cnt,bytes_out_rate(60s) peers mesh
backend numbers
    stick-table type integer size 1k expire 1m store gpc(3),gpc_rate(2,60s),gpt(2) peers mesh
backend sixes
    stick-table type ipv6 size 1k store gpc0 peers mesh"
    } >"$work/$1.cfg"
}
declare -A shard_of=()
run() { # name program [options]
    start "$2" -db -f "$work/$1.cfg" "${@:3}"
    pid[$1]=$last
    wait_port "${http_port[$1]}"
    for _ in $(seq 100); do [ -S "$work/$1.sock" ] && ask "$1" show info >/dev/null 2>&1 && break; sleep 0.05; done
}
end() { kill "${pid[$1]}"; wait "${pid[$1]}" 2>/dev/null || true; } # name
count_of() { ask "$1" "show table $2" | grep -c key= || true; } # node table

for pair in "$weir haproxy" "haproxy $weir" "$weir $weir"; do
    set -- $pair
    echo "== a is $1, b is $2"
    for node in $nodes; do write_node "$node"; done
    # What was known before the other came.
    run a "$1"
    hit a one; hit a one; hit a two
    ask a "set table sixes key 2001:db8::7 data.gpc0 9" >/dev/null
    ask a "set table mesh/paths key tagged data.gpt0 77" >/dev/null
    run b "$2"
    until_ask b 'key=/one .*gpc0=2$' show table mesh/paths
    until_ask b 'key=tagged .*gpt0=77 ' show table mesh/paths
    until_ask b 'key=2001:db8::7 use=0 exp=0 .*gpc0=9' show table sixes
    # (The path within the backend is another one: the stored request came through a frontend of its own.)
    until_ask b 'http_req_cnt=6 http_req_rate(60000)=6' show table clients
    until_ask b 'key=4 .*gpc0=0 gpc1=6 gpc2=0 gpc0_rate(60000)=0 gpc1_rate(60000)=6\|key=4 .*gpc1=' show table numbers
    server=$(ask a show table be | sed -n 's/.*key=\/end .*server_key=//p')
    [ -n "$server" ] || fail "a remembers no server"
    until_ask b "key=/end .*server_key=$server" show table be
    # What changes while they are connected, both ways.
    hit b one
    until_ask a 'key=/one .*gpc0=3$' show table mesh/paths
    hit a three
    until_ask b 'key=/three .*gpc0=1$' show table mesh/paths
    ask b "set table sixes key ::1 data.gpc0 5" >/dev/null
    until_ask a 'key=::1 .*gpc0=5' show table sixes
    # conn_cur is nobody else's business.
    until_ask b 'conn_cur=0' show table clients
    # b starts again and learns; then a.
    end b; run b "$2"
    until_ask b 'key=/three .*gpc0=1$' show table mesh/paths
    until_ask b 'key=tagged .*gpt0=77 ' show table mesh/paths
    hit b four
    until_ask a 'key=/four ' show table mesh/paths
    end a; run a "$1"
    until_ask a 'key=/three .*gpc0=1$' show table mesh/paths
    until_ask a 'key=/four .*gpc0=1$' show table mesh/paths
    # Nothing is lost that changes while the other is away.
    end b
    for i in $(seq 30); do hit a "away$i"; done
    run b "$2"
    until_ask b 'key=/away30 ' show table mesh/paths
    [ "$(count_of b mesh/paths)" = "$(count_of a mesh/paths)" ] || fail "b has not all entries"
    end a; end b
done

echo "== a table is shared from now on: it keeps its entries, and others learn them"
for node in $nodes; do write_node "$node"; done
sed -i 's/ peers mesh$//' "$work/a.cfg"
run a "$weir"; run b haproxy
ask a "set table sixes key ::a data.gpc0 11" >/dev/null
write_node a
kill -HUP "${pid[a]}"
until_ask b 'key=::a .*gpc0=11' show table sixes
until_ask a 'key=::a .*gpc0=11' show table sixes
ask b "set table sixes key ::b data.gpc0 12" >/dev/null
until_ask a 'key=::b .*gpc0=12' show table sixes
end a; end b

echo "== reload, restart"
for node in $nodes; do write_node "$node"; done
run a "$weir"; run b haproxy
until_ask b 'id=a(remote,active)' show peers
hit a one
until_ask b 'key=/one ' show table mesh/paths
kill -HUP "${pid[a]}"
sleep 0.5
hit a two
until_ask b 'key=/two ' show table mesh/paths
ask a show peers | grep -A2 'id=b(remote,active)' | grep -q 'coll=0' || fail "the session did not survive the reload"
until_ask a 'key=/one ' show table mesh/paths
# A new process learns from the old one, without any other.
until_ask a 'resync=done' show peers
end b
old=${pid[a]}
run a "$weir" -sf "$old"
until_ask a 'key=/one .*gpc0=1$' show table mesh/paths
until_ask a 'flags=0x1 resync=done' show peers
for _ in $(seq 100); do kill -0 "$old" 2>/dev/null || break; sleep 0.05; done
! kill -0 "$old" 2>/dev/null || fail "the old process did not end"
# A soft stop without successor does not wait.
kill -USR1 "${pid[a]}"
for _ in $(seq 60); do kill -0 "${pid[a]}" 2>/dev/null || break; sleep 0.05; done
! kill -0 "${pid[a]}" 2>/dev/null || fail "a soft stop without successor waits"

echo "== three nodes"
nodes="a b c"
for node in $nodes; do write_node "$node"; done
run a "$weir"; run b haproxy; run c "$weir"
for node in $nodes; do until_ask "$node" 'remote,active' show peers; done
hit a from-a; hit b from-b; hit c from-c
for node in $nodes; do
    for from in a b c; do until_ask "$node" "key=/from-$from " show table mesh/paths; done
done
end a; end b; end c

echo "== shards"
section_lines="    shards 2"
shard_of=([b]="shard 1" [c]="shard 2")
for node in a b c; do write_node "$node"; done
sed -i '/shards/d; s/shard [12]//' "$work/b.cfg" # 2.6 knows nothing of them
run a "$weir"; run b haproxy; run c "$weir"
until_ask a 'id=b(remote,active)' show peers
until_ask a 'id=c(remote,active)' show peers
end b; end c # both start empty, and hear only what is theirs
for i in $(seq 40); do hit a "key$i"; done
sed -i '/server [bc] 127/d' "$work/c.cfg"; sed -i '/server c 127/d' "$work/b.cfg"
run b haproxy; run c "$weir"
for _ in $(seq 200); do
    got_b=$(ask b show table mesh/paths | grep -c key=/key || true) got_c=$(ask c show table mesh/paths | grep -c key=/key || true)
    [ $((got_b + got_c)) -lt 40 ] || break
    sleep 0.05
done
[ $((got_b + got_c)) = 40 ] && [ "$got_b" -gt 5 ] && [ "$got_c" -gt 5 ] || fail "40 keys became $got_b and $got_c"
end a; end b; end c

echo "== TLS"
make_certs
nodes="a b" section_lines="" shard_of=()
bind_options="ssl crt $CERTS/certs/site.pem ca-file $CERTS/clients.crt verify required"
peer_options="ssl crt $CERTS/certs/site.pem ca-file $CERTS/servers.crt verify required"
for node in $nodes; do write_node "$node"; done
run a "$weir"; hit a one
run b haproxy
until_ask b 'key=/one ' show table mesh/paths
hit b two
until_ask a 'key=/two ' show table mesh/paths
until_ask a 'xprt=SSL' show peers
end a; end b
