#!/bin/bash
# JSON log lines are valid whatever bytes a client sends, and however long they are; events too.
. "$(dirname "$0")/lib.sh"
need python3 socat
port=$(free_port)
tcp=$(free_port)
own=$(free_port)
short=$(free_port)
cat >"$work/json.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
    log stdout format json daemon
defaults
    mode http
    timeout connect 1s
    timeout client 2s
    timeout server 1s
    log stdout format raw local0
frontend web
    bind 127.0.0.1:$port
    option httplog json
    http-request return status 200
frontend raw
    mode tcp
    bind 127.0.0.1:$tcp
    option tcplog json
    default_backend tcpbe
frontend own
    bind 127.0.0.1:$own
    log-format "%{+json}o %(uri)HU %(x)[var(txn.x)] %(n:sint)[str(7)] %(b:bool)[int(0)] %(none)[var(txn.none)]"
    http-request set-var(txn.x) req.hdr(x)
    http-request return status 200
frontend short
    bind 127.0.0.1:$short
    no log
    log stdout len 1200 format json local0
    option httplog json
    http-request return status 200
backend tcpbe
    mode tcp
    no log
    log global
    server s1 127.0.0.1:$port
EOF
"$weir" -db -f "$work/json.cfg" >"$work/lines" 2>"$work/weir.log" &
last=$!
started="$started $last"
wait_port "$port"
cat >"$work/send.py" <<'EOF'
import socket, sys
def send(port, data):
    s = socket.create_connection(("127.0.0.1", port)); s.settimeout(3)
    s.sendall(data)
    try:
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536): pass
    except OSError: pass
    s.close()
web, tcp, own, short = map(int, sys.argv[1:5])
uris = [b"/plain", b"/quote\"back\\slash/", b"/utf8-\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", b"/bad-\xff\xfe\xc3(\xed\xa0\x80\xc0\xaf\xf5",
        b"/cut-\xe2\x82", b"/#%22<>{}", b"/del\x7f", b"/long" + b"\\\"" * 4000, b"/long" + b"\xff" * 6000]
uris += [b"/byte" + bytes([c]) + b"end" for c in range(1, 256)]
for uri in uris:
    for port in (web, own, short):
        target = b"/" if port == own and max(uri) > 126 else uri
        send(port, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nx: " + uri.replace(b"\r", b"").replace(b"\n", b"") + b"\r\nconnection: close\r\n\r\n")
for junk in (b"\x00\x01\x02\r\n\r\n", b"\"}{\r\n\r\n", b"G\"T / HTTP/1.1\r\n\r\n"):
    send(web, junk)
send(tcp, b"\xff\"\\")
EOF
python3 "$work/send.py" "$port" "$tcp" "$own" "$short"
cli "disable server tcpbe/s1" >/dev/null
kill -USR1 "$last"
wait "$last" || true
cat >"$work/check.py" <<'EOF'
import json, sys
http = tcp = own = short = bad = events = plain = hostile = 0
for number, line in enumerate(open(sys.argv[1], "rb"), 1):
    try:
        got = json.loads(line.decode("utf-8"))
    except ValueError as why:
        print(f"line {number}: {why}: {line[:200]}"); sys.exit(1)
    if "event" in got:
        events += got["event"] == "server" and got["server"] == "s1" and got["state"] == "maint"
    elif got.get("mode") == "tcp":
        tcp += 1
    elif got.get("mode") == "http":
        assert list(got)[-2 if "truncated" in got else -1] == "uri", line
        assert type(got["status"]) is int and type(got["client_port"]) is int, line
        if "level" in got:
            short += "truncated" in got
            assert len(line) < 1500, len(line)
        else:
            http += 1
            bad += got["status"] == 400 and got["uri"] is None
            plain += got["uri"] == "/quote\"back\\slash/"
            assert "truncated" not in got or len(line) > 16000, line
    else:
        own += 1
        hostile += got.get("x") in ("/bad-\u00ff\u00fe\u00c3(\u00ed\u00a0\u0080\u00c0\u00af\u00f5", "/utf8-\u00e9\u20ac\U0001f600")
        assert "truncated" in got or got["n"] == 7 and got["b"] is False and got["none"] is None, line
assert http > 200 and own > 200 and bad >= 3 and hostile == 2 and tcp == 1 and short >= 1 and events == 1, (http, own, bad, tcp, short, events)
EOF
python3 "$work/check.py" "$work/lines" || fail "see above"
