#!/bin/bash
# The code of doc/lua.md loads, its configuration is accepted, and what it says of services is so.
. "$(dirname "$0")/lib.sh"
need curl socat

blocks() { # kind
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" doc/lua.md | grep -v '^```'
}

blocks lua >"$work/guide.lua"
# "expression --> value": each becomes a test in an action, whose answer tells what is not so.
{
    echo 'core.register_action("values", { "http-req" }, function(txn)'
    echo '    local bad = {}'
    echo '    local function is(text, value, wanted)'
    echo '        if tostring(value) ~= wanted then bad[#bad + 1] = text .. " is " .. tostring(value) end'
    echo '    end'
    blocks lua-values | sed -n 's/^\(.*[^ ]\)  *--> \(.*\)$/    is([==[\1]==], (\1), [==[\2]==])/p'
    echo '    txn:set_var("txn.bad", table.concat(bad, "; "))'
    echo 'end)'
} >>"$work/guide.lua"
[ "$(grep -c '^    is(' "$work/guide.lua")" -gt 25 ] || fail "no values"
front=$(free_port) echo_port=$(free_port) guide=$(free_port)
{
    printf 'global\n    tune.lua.bool-sample-conversion normal\n    lua-load %s\n' "$work/guide.lua"
    printf 'defaults\n    mode http\n    timeout client 5s\n    timeout server 5s\n    timeout connect 1s\n'
    blocks haproxy | sed "s|:8080\$|127.0.0.1:$front|; s|:7000\$|127.0.0.1:$echo_port|"
    printf 'backend app\n    server app1 127.0.0.1:1\n'
    printf 'frontend guide\n    bind 127.0.0.1:%s\n    stick-table type ip size 10 store http_req_cnt\n' "$guide"
    printf '    http-request track-sc0 src\n    http-request lua.teapot if { path /teapot }\n    http-request lua.greet you if { path /greet /forbidden }\n'
    printf '    http-request lua.values if { path /guide }\n'
    printf '    http-request return status 200 content-type text/plain lf-string "%%[var(txn.bad)]%%[var(txn.greeting)]%%[lua.browser,lua.reverse]"\n'
    printf 'frontend more\n    bind 127.0.0.1:%s\n    http-request lua.limit\n    http-request lua.who\n' "$(free_port)"
} >"$work/guide.cfg"
sed -i "/use-service lua.hello/a\\    filter lua.count 5000\n    http-request use-service lua.upper if { path /upper }\n    http-request use-service lua.clock if { path /clock }" "$work/guide.cfg"
"$weir" -c -f "$work/guide.cfg" >"$work/check.log" 2>&1 || fail "$(cat "$work/check.log")"
start "$weir" -V -f "$work/guide.cfg"
wait_port "$front"
[ "$(curl -s "http://127.0.0.1:$front/hello?you")" = "Hello, you" ] || fail "hello"
[ "$(curl -s -d 'some text' "http://127.0.0.1:$front/upper")" = "SOME TEXT" ] || fail "upper"
[ "$(curl -s "http://127.0.0.1:$front/clock" | grep -c '^data: [123]$')" = 3 ] || fail "clock"
[ "$(printf 'a\nb' | socat -t2 - "TCP:127.0.0.1:$echo_port")" = "$(printf 'a\nb')" ] || fail "echo"
get() { curl -s -i -A abc/1 "http://127.0.0.1:$guide$1" | tr -d '\r'; }
get /guide | tail -n 1 | grep -q '^cba$' || fail "not as the guide says: $(get /guide | tail -n 1)"
get /greet | tail -n 1 | grep -q '^hello youcba$' || fail "greet"
get /forbidden | head -n 1 | grep -q 403 || fail "forbidden"
get /teapot | head -n 1 | grep -q "418 I'm a teapot" || fail "teapot"
curl -s -i "http://127.0.0.1:$front/hello?you" | grep -q '^x-limit: 5000' || fail "filter"
echo passed
