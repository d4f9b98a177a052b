#!/bin/bash
# testssl.sh on a bind line that says nothing but "ssl crt": no finding above LOW, about protocols, suites and known attacks.
. "$(dirname "$0")/lib.sh"
need python3 openssl
testssl=$(command -v testssl || command -v testssl.sh) || skip "no testssl.sh here"
port=$(free_port)
openssl req -x509 -nodes -days 300 -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "$work/site.key" -out "$work/site.crt" 2>/dev/null
cat "$work/site.crt" "$work/site.key" >"$work/site.pem"
cat >"$work/weir.cfg" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$port ssl crt $work/site.pem
    http-request return status 200 content-type text/plain string hello
END
start "$weir" -db -f "$work/weir.cfg"
wait_port "$port"
timeout 300 "$testssl" --quiet --color 0 --warnings off -p -s -f -P -U --jsonfile "$work/found.json" "127.0.0.1:$port" \
    >"$work/testssl.log" 2>&1 </dev/null || true
[ -s "$work/found.json" ] || fail "testssl.sh found nothing to say"
python3 - "$work/found.json" <<'END' || fail "see above"
import json, sys
found = json.load(open(sys.argv[1]))
names = {f["id"] for f in found}
bad = [f for f in found if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")]
for f in bad:
    print(f["severity"], f["id"], f["finding"])
if not {"TLS1_2", "TLS1_3", "heartbleed", "ROBOT"} <= names:
    print("testssl.sh did not look at everything:", sorted(names))
    sys.exit(1)
sys.exit(1 if bad else 0)
END
