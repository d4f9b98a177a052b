# Rings: what is kept, what people see, what log servers get over TCP when they come, go, and are slow; a reload.
. "$(dirname "$0")/lib.sh"
need socat python3 curl

port=$(free_port)
one=$(free_port)
two=$(free_port)
three=$(free_port)
cat >"$work/receiver.py" <<'EOF'
"""Writes what connections say into a file, a line "--" when one begins."""
import socket, sys, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
out = open(sys.argv[2], "ab", buffering=0)
def serve(conn):
    while True:
        data = conn.recv(65536)
        if not data:
            return
        out.write(data)
while True:
    conn, _ = server.accept()
    out.write(b"--\n")
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
EOF
receive() { start python3 "$work/receiver.py" "$1" "$2"; wait_port "$1"; }
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
    stats socket $work/user.sock mode 600 level user
ring plain
    description "My local buffer"
    size 2000
    maxlen 100
ring framed
    format rfc3164
    size 32k
    timeout connect 1s
    timeout server 5s
    server s1 127.0.0.1:$one log-proto octet-count
    server s2 127.0.0.1:$two
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    log-format "%HU"
    log ring@plain local0
    log ring@framed local7
    log tcp@127.0.0.1:$three local1
frontend fe
    bind 127.0.0.1:$port
    http-request return status 200
EOF
receive "$one" "$work/one"
receive "$three" "$work/three"
"$weir" -db -f "$work/weir.cfg" >>"$work/weir.log" 2>&1 &
pid=$!
started="$started $pid"
wait_port "$port"
get() { curl -s "http://127.0.0.1:$port/$1"; }
wait_for() { # pattern file
    for _ in $(seq 200); do
        grep -q -- "$1" "$2" 2>/dev/null && return 0
        sleep 0.05
    done
    fail "no '$1' in $2: $(tail -n 3 "$2")"
}

get first
wait_cli '^/first$' show events plain
cli show events >"$work/list"
grep -q '^    plain      : type=buffer, 0 dropped, My local buffer$' "$work/list" || fail "list: $(cat "$work/list")"
grep -q '^    framed     : type=buffer, 0 dropped, framed$' "$work/list" || fail "list"
grep -q "^    tcp@127.0.0.1:$three : type=buffer, 0 dropped, made for the log line at " "$work/list" || fail "list"
[ "$(cli show events nope)" = "No such event sink" ] || fail "nope"
[ "$(cli show events plain -x)" = "unknown option" ] || fail "option"
echo "show events plain" | socat -t 2 - "UNIX-CONNECT:$work/user.sock" | grep -q '^Permission denied$' || fail "level"
echo "show events" | socat -t 2 - "UNIX-CONNECT:$work/user.sock" | grep -q 'plain ' || fail "list for users"
cli show events plain -0 | tr '\0' '|' | grep -q '/first|' || fail "-0"

# -w waits, -n begins with what is new.
{ echo "show events plain -nw"; sleep 60; } | socat - "UNIX-CONNECT:$work/weir.sock" >"$work/watched" 2>/dev/null &
started="$started $!"
for i in $(seq 100); do
    get "watched$i"
    grep -q watched "$work/watched" && break
    sleep 0.05
done
grep -q '^/watched' "$work/watched" || fail "nothing watched"
grep -q '^/first' "$work/watched" && fail "not new"

# Servers: octets counted; the other one was not there.
wait_for '^--' "$work/one"
wait_for '/first' "$work/one"
python3 - "$work/one" <<'EOF' || fail "frames: $(cat "$work/one")"
import re, sys
data = open(sys.argv[1], "rb").read().rsplit(b"--\n", 1)[1]
count = 0
while data:
    length, rest = data.split(b" ", 1)
    line, data = rest[:int(length)], rest[int(length):]
    assert re.match(rb"<190>\w\w\w [ \d]\d \d\d:\d\d:\d\d \S+ \S+\[\d+\]: \S+$", line), line
    count += 1
assert count > 1
EOF
wait_for '^<142>.*: /first$' "$work/three"
receive "$two" "$work/two"
wait_for '/first$' "$work/two"
grep -q '^<190>' "$work/two" || fail "format"

# The oldest lines give way; long ones are cut.
for i in $(seq 40); do get "fill$i-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; done
get "$(printf 'long%0200d' 0)"
wait_cli '^/long0\{95\}$' show events plain
cli show events plain | grep -q '^/first' && fail "first is still there"
[ "$(cli show events plain | wc -c)" -le 2000 ] || fail "too much"

# A reload keeps lines, connections and places.
sed -i 's/^    size 2000/    size 4000/; s/^    description.*/    description "Another"/' "$work/weir.cfg"
kill -HUP "$pid"
wait_cli ' Another$' show events
cli show events plain | grep -q '^/long' || fail "the reload has emptied the ring"
get second
wait_cli '^/second$' show events plain
wait_for ': /second$' "$work/two"
[ "$(grep -c -- '--$' "$work/two")" = 2 ] || fail "the reload has broken a connection" # wait_port made one
for i in $(seq 40); do grep -q "/fill$i-" "$work/two" || fail "fill$i did not arrive"; done
[ "$(grep -c "/fill7-" "$work/two")" = 1 ] || fail "fill7 came twice"

refused() { # pattern text
    printf '%b' "$2" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.log" 2>&1; then fail "accepted: $2"; fi
    grep -q -- "$1" "$work/bad.log" || fail "no '$1' for: $2: $(cat "$work/bad.log")"
}
refused "there is no section 'ring x'" 'global\n log ring@x local0\n'
refused "stands already" 'ring r\nring r\n'
refused "between" 'ring r\n size 10\n'
refused "not implemented yet" 'ring r\n server s 127.0.0.1:1 ssl\n'
echo passed
