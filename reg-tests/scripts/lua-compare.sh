#!/bin/bash
# A script that uses most of what Lua sees gets the same from weir as from haproxy 2.6.
. "$(dirname "$0")/lib.sh"
need haproxy python3 curl
haproxy -vv | grep -q "version 2\.6\." || skip "another haproxy than 2.6"
haproxy -vv | grep -q "+LUA" || skip "this haproxy has no Lua"
here=$(cd "$(dirname "$0")" && pwd)

printf 'a one\nb two\n' >"$work/map"
printf '10.0.0.0/8 ten\n' >"$work/nets"
export MAP_FILE="$work/map" NET_FILE="$work/nets"
origin=$(free_port)
cat >"$work/origin.cfg" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen origin
    bind 127.0.0.1:$origin
    http-request return status 200 content-type text/plain string "from the origin" hdr x-from "origin" hdr x-list "a, b" hdr x-gone 1
END
start haproxy -f "$work/origin.cfg"
wait_port "$origin"

conf() { # port
    cat <<END
global
    lua-load $here/lua-compare.lua
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$1
    stick-table type ip size 100 expire 30s store gpc0
    http-request track-sc0 src
    http-request sc-inc-gpc0(0) if { path /all }
    unique-id-format "fixed"
    http-request lua.all if { path /all }
    http-request lua.args x y if { path /args }
    http-request lua.deny if { path /deny }
    http-request lua.abort if { path /abort }
    http-request lua.invalid if { path /invalid }
    http-request lua.sleep if { path /sleep }
    http-request lua.stop if { path /stop }
    http-request return status 200 content-type text/plain lf-string "%[var(txn.args)] %[str(x),lua.wrap(<,>)] %[lua.ask(q)] %[lua.number,add(1)] <%[lua.nothing]> <%[lua.fails]> %[var(txn.slept)]" if { path /args /sleep /samples }
    http-request use-service lua.hello if { path_beg /hello }
    http-request use-service lua.lines if { path /lines }
    http-request use-service lua.broken if { path /broken }
    use_backend filtered if { path /filtered }
    default_backend be
backend be
    http-response lua.answer
    server s1 127.0.0.1:$origin weight 20
    server s2 127.0.0.1:1 backup maxconn 7
backend filtered
    filter lua.upper
    server s1 127.0.0.1:$origin
END
}
# Fields in alphabetical order, without those that no two programs share.
tidy='
import sys
head, _, body = sys.stdin.buffer.read().decode("latin-1").partition("\r\n\r\n")
start, *fields = head.split("\r\n")
own = ("date", "server", "cache-control", "content-length", "connection", "transfer-encoding")
pairs = [field.split(":", 1) for field in fields]
print(start, *sorted(n.lower() + ":" + v for n, v in pairs if n.lower() not in own), "", body, sep="\n")'
ask() { # port: all requests, and their answers without what no two programs share
    local base=http://127.0.0.1:$1 request
    get() {
        echo "--- $*"
        curl -s -i --max-time 10 -H "User-Agent: u" -H "Accept:" -H "Host: h" "$@" | python3 -c "$tidy"
    }
    get -H "X-Two: a, b" -H "X-Two: c" -H "X-Rep: ab" -H "X-Val: a, b" -H "X-Gone: 1" -H "Cookie: c=v; d=w" "$base/all"
    for request in args deny abort invalid stop sleep samples broken filtered other; do get "$base/$request"; done
    get "$base/hello/there?a=b"
    get -H "Content-Type: text/plain" -d "a body" "$base/hello"
    get -H "Content-Type: text/plain" --data-binary $'one\ntwo words\nend' "$base/lines"
}
for program in haproxy "$weir"; do
    port=$(free_port)
    conf "$port" >"$work/conf"
    start "$program" -f "$work/conf"
    wait_port "$port"
    ask "$port" | sed "s/127.0.0.1:$port/HERE/g" >"$work/$(basename "$program").out" || true
done
diff "$work/haproxy.out" "$work/$(basename "$weir").out" >"$work/diff" || fail "$(cat "$work/diff")"
[ "$(wc -l <"$work/haproxy.out")" -gt 150 ] || fail "too few answers: $(cat "$work/haproxy.out")"
