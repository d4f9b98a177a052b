#!/bin/bash
# The code of doc/lua.md loads, its configuration is accepted, and what it says of services is so.
. "$(dirname "$0")/lib.sh"
need curl socat

blocks() { # kind
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" doc/lua.md | grep -v '^```'
}

blocks lua >"$work/guide.lua"
front=$(free_port) echo_port=$(free_port)
{
    printf 'global\n    tune.lua.bool-sample-conversion normal\n    lua-load %s\n' "$work/guide.lua"
    printf 'defaults\n    mode http\n    timeout client 5s\n    timeout server 5s\n    timeout connect 1s\n'
    blocks haproxy | sed "s|:8080\$|127.0.0.1:$front|; s|:7000\$|127.0.0.1:$echo_port|"
    printf 'frontend more\n    bind 127.0.0.1:%s\n    http-request lua.limit\n    http-request lua.who\n' "$(free_port)"
} >"$work/guide.cfg"
sed -i "/use-service lua.hello/a\\    http-request use-service lua.upper if { path /upper }\n    http-request use-service lua.clock if { path /clock }" "$work/guide.cfg"
"$weir" -c -f "$work/guide.cfg" >"$work/check.log" 2>&1 || fail "$(cat "$work/check.log")"
start "$weir" -V -f "$work/guide.cfg"
wait_port "$front"
[ "$(curl -s "http://127.0.0.1:$front/hello?you")" = "Hello, you" ] || fail "hello"
[ "$(curl -s -d 'some text' "http://127.0.0.1:$front/upper")" = "SOME TEXT" ] || fail "upper"
[ "$(curl -s "http://127.0.0.1:$front/clock" | grep -c '^data: [123]$')" = 3 ] || fail "clock"
[ "$(printf 'a\nb' | socat -t2 - "TCP:127.0.0.1:$echo_port")" = "$(printf 'a\nb')" ] || fail "echo"
