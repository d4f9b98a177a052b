#!/bin/bash
# Every file in examples/ passes the check, and the quickstart answers as its comments say.
. "$(dirname "$0")/lib.sh"
need curl socat
make_certs
for file in examples/*.cfg; do
    "$weir" -c -f "$file" >"$work/check.log" 2>&1 || fail "$file: $(cat "$work/check.log")"
done
# On ports of our own.
sed_script="s|/tmp/weir.sock|$work/weir.sock|"
for port in 8080 8081 8082 8083; do sed_script="$sed_script; s|127.0.0.1:$port|127.0.0.1:$(free_port)|"; done
sed "$sed_script" examples/quickstart.cfg >"$work/quickstart.cfg"
front=$(sed -n 's/^    bind 127.0.0.1:\([0-9]*\)$/\1/p' "$work/quickstart.cfg" | head -n 1)
start "$weir" -V -f "$work/quickstart.cfg"
wait_port "$front"
for _ in 1 2 3; do curl -s "http://127.0.0.1:$front/" >>"$work/answers"; done
[ "$(grep -c 'page1' "$work/answers")" = 2 ] || fail "weights: $(cat "$work/answers")"
[ "$(grep -c 'page2' "$work/answers")" = 1 ] || fail "weights: $(cat "$work/answers")"
curl -s "http://127.0.0.1:$front/api/users" | grep -q api1 || fail "routing by path"
curl -s -H 'Host: api.example.com' "http://127.0.0.1:$front/" | grep -q api1 || fail "routing by host"
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$front/private")" = 403 ] || fail "deny"
cli show info | grep -q '^Pid:' || fail "runtime socket"
