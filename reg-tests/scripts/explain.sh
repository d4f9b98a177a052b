#!/bin/bash
# weir --explain and --expect tell where requests go; "explain live" tells it of real ones.
. "$(dirname "$0")/lib.sh"
need curl socat python3
port=$(free_port)
cat >"$work/edge.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:$port
    acl is_api hdr(host),field(1,:) -i api.example.com
    acl internal src 10.0.0.0/8
    tcp-request inspect-delay 10s
    tcp-request content accept if WAIT_END
    http-request tarpit if { path /slow }
    http-request deny if { path_beg /admin } !internal
    http-request redirect location https://example.com%[path] code 301 if { path_beg /old }
    use_backend api if is_api
    use_backend %[req.hdr(x-to)] if { req.hdr(x-to) -m found }
    use_backend dead if { rand(10) ge 0 } { path /dead }
    default_backend web
backend api
    balance leastconn
    server api1 127.0.0.1:1
    server spare 127.0.0.1:2 backup
backend web
    use-server w2 if { req.cook(beta) 1 }
    server w1 127.0.0.1:3
    server w2 127.0.0.1:4
backend dead
    server d1 127.0.0.1:5 disabled
EOF
ask() { LC_ALL=C "$weir" -f "$work/edge.cfg" "$@" 2>&1; }
says() { # TEXT, of the last answer
    grep -qF -- "$1" "$work/out" || fail "'$1' is missing in: $(cat "$work/out")"
}
ask --explain "GET http://api.example.com:$port/v1" >"$work/out" || fail "exit status"
says "is_api ($work/edge.cfg:10) hdr(host),field(1,:) -i api.example.com: yes, req.hdr(host),field(1,:) is \"api.example.com\""
says "spare is left out: a backup"
says "=> backend api ($work/edge.cfg:21), server api1 ($work/edge.cfg:23)"
ask --explain /admin >"$work/out"
says "=> 403 from weir, by $work/edge.cfg:15: http-request deny if { path_beg /admin } !internal"
ask --explain /admin --src 10.1.2.3 --header 'Cookie: beta=1' >"$work/out"
says "internal ($work/edge.cfg:11) src 10.0.0.0/8: yes, src is 10.1.2.3"
says "server w2"
ask --explain /slow >"$work/out"
says "=> 500 from weir"
cat >"$work/service.cfg" <<EOF
defaults
    mode http
    timeout client 5s
frontend web
    bind 127.0.0.1:$port
    stats uri /stats
    http-request use-service prometheus-exporter if { path /metrics }
EOF
LC_ALL=C "$weir" -f "$work/service.cfg" --explain /metrics >"$work/out" 2>&1
says "=> service <PROMEX>, by $work/service.cfg:7: http-request use-service prometheus-exporter if { path /metrics }"
LC_ALL=C "$weir" -f "$work/service.cfg" --explain /stats >"$work/out" 2>&1
says "=> 200 from weir"
ask --explain "/old/x" >"$work/out"
says "=> 301 from weir to https://example.com/old/x"
ask --explain /dead >"$work/out"
says "rand(10) is "
says "(assumed)"
says "d1 is left out: in maintenance"
says "=> 503 from weir"
ask --explain / --header 'X-To: api' >"$work/out"
says "=> backend api"
ask --explain / --frontend nobody >"$work/out" && fail "unknown frontend"
says "there is no frontend 'nobody' that listens"
ask --explain / --header 'Host: a' --header 'Host: b' >"$work/out"
says "=> 400 from weir"
ask --explain /admin --set 'src=10.9.9.9' --json >"$work/out"
python3 - "$work/out" <<'EOF' || fail "JSON: $(cat "$work/out")"
import json, sys
answer = json.load(open(sys.argv[1]))
assert answer["frontend"] == "web"
assert answer["result"]["backend"]["name"] == "web", answer["result"]
test = [s for s in answer["steps"] if s.get("acl") == "internal"][0]
assert test["value"] == "10.9.9.9" and test["outcome"] == "yes"
EOF
cat >"$work/routes" <<EOF
# request -> where
GET http://api.example.com:$port/   -> backend api server api1
/admin src 10.0.0.1                 -> backend web
/admin                              -> 403
/old/y                              -> 301 https://example.com/old/y
/ header "Cookie: beta=1"           -> backend web server w2
EOF
ask --expect "$work/routes" >"$work/out" || fail "--expect: $(cat "$work/out")"
says "5 as expected, 0 not"
echo '/admin -> backend web' >>"$work/routes"
ask -c --expect "$work/routes" >"$work/out" && fail "--expect passes what is wrong"
says "routes:7: not as expected: /admin -> backend web"
says "http-request deny"

start "$weir" -f "$work/edge.cfg"
wait_port "$port"
printf 'explain live { path_beg /admin } 1\n' | socat -t 10 - "unix:$work/weir.sock" >"$work/out" &
asker=$!
for _ in $(seq 100); do
    curl -s -o /dev/null "http://127.0.0.1:$port/admin/x"
    [ -s "$work/out" ] && break
    sleep 0.05
done
wait "$asker"
says "GET /admin/x"
says "=> 403 from weir, by $work/edge.cfg:15"
cli "explain live { path_bex /a }" >"$work/out"
says "unknown fetch 'path_bex'"
