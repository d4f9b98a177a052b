#!/bin/bash
# The HTTP client of Lua looks up names, while the script waits and others do not.
. "$(dirname "$0")/lib.sh"
need socat python3 curl
here=$(dirname "$0")

port=$(free_port) origin=$(free_port)
cat >"$work/zone" <<EOF
one.test A 127.0.0.1
slow.test A 127.0.0.1
six.test AAAA ::1
mode slow.test slow
mode silent.test silent
EOF
start python3 "$here/dns_server.py" "$work/zone" "$work/dns.port"
for _ in $(seq 100); do [ -s "$work/dns.port" ] && break; sleep 0.05; done
[ -s "$work/dns.port" ] || fail "no name server"

cat >"$work/ask.lua" <<'EOF'
core.register_service("ask", "http", function(applet)
    local res = core.httpclient():get{ url = "http://" .. applet.qs .. "/" }
    local body = res.status .. " " .. res.body
    applet:start_response()
    applet:send(body:sub(1, 20))
end)
EOF
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
    tune.lua.bool-sample-conversion normal
    httpclient.resolvers.id r
    httpclient.retries 0
    lua-load $work/ask.lua
resolvers r
    nameserver n1 127.0.0.1:$(cat "$work/dns.port")
    resolve_retries 1
    timeout retry 1500ms
    timeout resolve 1500ms
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 5s
frontend web
    bind 127.0.0.1:$port
    http-request use-service lua.ask if { path /ask }
    http-request return status 200 content-type text/plain string quick
frontend origin
    bind 127.0.0.1:$origin
    bind [::1]:$origin
    http-request return status 200 content-type text/plain lf-string "%[req.hdr(host)]"
EOF
start "$weir" -db -f "$work/weir.cfg"
wait_port "$port"
ask() { curl -s -m 15 "http://127.0.0.1:$port/ask?$1:$origin"; }
[ "$(ask one.test)" = "200 one.test:$origin" ] || fail "one.test: $(ask one.test)"
ask slow.test >"$work/slow" &
waiting=$!
[ "$(curl -s -m 2 "http://127.0.0.1:$port/")" = quick ] || fail "somebody else waits"
[ "$(ask one.test)" = "200 one.test:$origin" ] || fail "one.test again"
wait "$waiting"
grep -q "200 slow.test" "$work/slow" || fail "slow.test: $(cat "$work/slow")"
case $(ask nobody.test) in 503*) ;; *) fail "nobody.test: $(ask nobody.test)" ;; esac
# A client that leaves, and a reload, while a name is looked up.
curl -s -m 0.3 "http://127.0.0.1:$port/ask?silent.test:$origin" >/dev/null || true
curl -s -m 8 "http://127.0.0.1:$port/ask?silent.test:$origin" >"$work/silent" &
waiting=$!
sleep 0.2
kill -HUP "$last"
wait "$waiting" || true
grep -q "^503" "$work/silent" || fail "silent.test: $(cat "$work/silent")"
[ "$(ask one.test)" = "200 one.test:$origin" ] || fail "after a reload"
