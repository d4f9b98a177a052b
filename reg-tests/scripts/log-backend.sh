# log backend@name: lines are shared out among servers, over UDP and TCP; a server that goes; a reload.
. "$(dirname "$0")/lib.sh"
need socat python3 curl

port=$(free_port)
cat >"$work/receiver.py" <<'EOF'
"""Three UDP receivers (u1 u2 u3) and two for TCP (t1 t2): each writes what it gets into a file of its name; ports.NAME."""
import os, selectors, socket, sys
work = sys.argv[1]
poll = selectors.DefaultSelector()
files = {}
def tell(name, sock):
    with open(f"{work}/ports.{name}.new", "w") as out:
        out.write(str(sock.getsockname()[1]))
    os.rename(f"{work}/ports.{name}.new", f"{work}/ports.{name}")
for name in ("u1", "u2", "u3", "t1", "t2"):
    files[name] = open(f"{work}/{name}", "ab", buffering=0)
    is_udp = name[0] == "u"
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    if not is_udp:
        sock.listen()
    poll.register(sock, selectors.EVENT_READ, (name, "udp" if is_udp else "listen"))
    tell(name, sock)
while True:
    for key, _ in poll.select():
        name, kind = key.data
        if kind == "listen":
            poll.register(key.fileobj.accept()[0], selectors.EVENT_READ, (name, "tcp"))
        else:
            data = key.fileobj.recv(65536)
            files[name].write(data)
            if not data:
                poll.unregister(key.fileobj)
EOF
start python3 "$work/receiver.py" "$work"
for name in u1 u2 u3 t1 t2; do
    for _ in $(seq 100); do [ -s "$work/ports.$name" ] && break; sleep 0.05; done
    declare "$name=$(cat "$work/ports.$name")"
done
cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    log-format "%HU"
frontend fe
    bind 127.0.0.1:$port
    http-request return status 200
    log backend@turns format raw local0
    log backend@sticky local1
    log backend@hash format raw local2
    log backend@stream format raw local3
backend turns
    mode log
    balance roundrobin
    server s1 udp@127.0.0.1:$u1 weight 2
    server s2 udp@127.0.0.1:$u2
backend sticky
    mode log
    balance sticky
    server s1 udp@127.0.0.1:$u3
    server s2 udp@127.0.0.1:$u2 disabled
backend hash
    mode log
    balance log-hash field(3,/),lower
    server s1 127.0.0.1:$t1
    server s2 127.0.0.1:$t2 log-proto octet-count log-bufsize 64k
backend stream
    mode log
    balance random
    server s1 udp@127.0.0.1:$u3
EOF
"$weir" -c -q -f "$work/weir.cfg" || fail "refused"
"$weir" -db -f "$work/weir.cfg" >>"$work/weir.log" 2>&1 &
pid=$!
started="$started $pid"
wait_port "$port"
get() { curl -s "http://127.0.0.1:$port$1"; }
count() { grep -c -a -- "$1" "$work/$2" || true; }
wait_count() { # number pattern file
    for _ in $(seq 100); do
        [ "$(count "$2" "$3")" = "$1" ] && return 0
        sleep 0.05
    done
    fail "$(count "$2" "$3") times '$2' in $3, not $1: $(tail -n 5 "$work/$3")"
}

for i in 1 2 3 4 5 6; do get "/r$i/a"; done
wait_count 6 '^/r./a$' u3 # stream
wait_count 6 '^<142>.*: /r./a$' u3
[ "$(( $(count '^/r./a$' u1) + $(count '^/r./a$' u2) ))" = 6 ] || fail "turns: lost lines"
[ "$(count '^/r./a$' u1)" = 4 ] || fail "turns: $(count '^/r./a$' u1) of 6"
# The third field decides: all lines of one kind have gone to one server.
for i in 1 2 3 4 5 6 7 8; do get "/x$i/same"; get "/x$i/SAME"; get "/y/kind$i"; done
wait_count 24 '^/[xy]' u3
sleep 0.3
t1_same=$(grep -a -i -o '/x./same' "$work/t1" | wc -l)
t2_same=$(grep -a -i -o '7 /x./same' "$work/t2" | wc -l)
[ "$t1_same/$t2_same" = 16/0 ] || [ "$t1_same/$t2_same" = 0/16 ] || fail "log-hash: $t1_same and $t2_same"
t1_kinds=$(grep -a -o '/y/kind.' "$work/t1" | wc -l)
t2_kinds=$(grep -a -o '8 /y/kind.' "$work/t2" | wc -l)
[ "$((t1_kinds + t2_kinds))" = 8 ] || fail "log-hash: $t1_kinds and $t2_kinds of 8"
[ "$t1_kinds" -gt 0 ] && [ "$t2_kinds" -gt 0 ] || fail "log-hash: all kinds to one"

# sticky: the other one takes over, and keeps it.
cli enable server sticky/s2 >/dev/null
get /stick1
wait_count 1 '^<142>.*/stick1$' u3
cli disable server sticky/s1 >/dev/null
get /stick2
wait_count 1 '^<142>.*/stick2$' u2
cli enable server sticky/s1 >/dev/null
get /stick3
wait_count 1 '^<142>.*/stick3$' u2
# Nobody is left: lines are lost, traffic is not.
cli disable server stream/s1 >/dev/null
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/nobody")" = 200 ] || fail "not 200"
cli show stat | grep -q '^turns,s1,' || fail "show stat"
cli show stat | grep '^turns,BACKEND,' | grep -q ',log,' || fail "mode in show stat"

# A reload, while lines come.
sed -i "s/server s1 udp@127.0.0.1:$u1 weight 2/server s1 udp@127.0.0.1:$u1 weight 0/" "$work/weir.cfg"
kill -HUP "$pid"
for _ in $(seq 100); do cli show servers state turns | grep -q ' s1 .* 0 0 ' && break; sleep 0.05; done
for i in 1 2 3; do get "/after$i"; done
wait_count 3 '^/after' u2
[ "$(count after u1)" = 0 ] || fail "weight 0"

refused() { # pattern text
    printf '%b' "$2" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.log" 2>&1; then fail "accepted: $2"; fi
    grep -q -- "$1" "$work/bad.log" || fail "no '$1' for: $2: $(cat "$work/bad.log")"
}
refused "there is no backend 'x'" 'global\n log backend@x local0\n'
refused "needs 'mode log'" 'global\n log backend@x local0\nbackend x\n mode http\n'
refused "needs 'mode log'" 'backend x\n mode http\n balance sticky\n'
refused "is not for 'mode log'" 'backend x\n mode log\n balance leastconn\n'
refused "are for backends in 'mode log'" 'backend x\n mode http\n server s udp@127.0.0.1:514\n'
refused "'mode log' is for backends" 'frontend x\n mode log\n'
refused "whose mode is log" "frontend f\n mode http\n bind 127.0.0.1:$port\n default_backend x\nbackend x\n mode log\n"
refused "needs a port" 'backend x\n mode log\n server s udp@127.0.0.1\n'
echo passed
