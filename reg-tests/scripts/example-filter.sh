#!/bin/bash
# The example filter, built in: bodies are rewritten in both directions over h1 and h2, small ones and
# 100 MB for a slow reader, and the memory stays where it was.
. "$(dirname "$0")/lib.sh"
need curl python3 make
case $weir in *asan* | *tsan*) skip "objects of this build are not those of the example" ;; esac
make -s LTO=no OPT="-O1 -g" EXTRA=examples/replace_filter.c PROGRAM="$work/weir-example" \
    "$work/weir-example" >"$work/make.log" 2>&1 || fail "does not build"

# GET /N: N times the line; POST: length and digest of what came.
cat >"$work/server.py" <<'END'
import hashlib, socket, sys, threading
LINE = b"one little word here; wor wo w wowor word\n"
def serve(c):
    f = c.makefile("rb")
    while True:
        first = f.readline()
        if not first: return
        length, chunked = 0, False
        while True:
            line = f.readline().strip().lower()
            if not line: break
            if line.startswith(b"content-length:"): length = int(line[15:])
            if line.startswith(b"transfer-encoding:"): chunked = True
        if first.startswith(b"GET"):
            count = int(first.split()[1][1:])
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * len(LINE)))
            while count > 0:
                some = min(count, 1000); c.sendall(LINE * some); count -= some
            continue
        digest, total = hashlib.md5(), 0
        while chunked or length > 0:
            if chunked:
                size = int(f.readline(), 16)
                data = f.read(size); f.readline()
                if size == 0: break
            else:
                data = f.read(min(length, 65536)); length -= len(data)
            digest.update(data); total += len(data)
        body = b"%d %s" % (total, digest.hexdigest().encode())
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
def safely(c):
    try: serve(c)
    except OSError: pass
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
while True: threading.Thread(target=safely, args=(s.accept()[0],), daemon=True).start()
END
server=$(free_port) h1=$(free_port) h2=$(free_port)
start python3 "$work/server.py" "$server"
wait_port "$server"
cat >"$work/example.cfg" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend fe
    bind 127.0.0.1:$h1
    bind 127.0.0.1:$h2 proto h2
    filter replace word expression
    default_backend be
backend be
    server s 127.0.0.1:$server
END
start "$work/weir-example" -f "$work/example.cfg"
pid=$!
wait_port "$h1"
peak() { sed -n 's/^VmHWM: *\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

line="one little word here; wor wo w wowor word"
rewritten="one little expression here; wor wo w wowor expression"
digest_of() { yes "$1" | head -n "$2" | md5sum | cut -d' ' -f1; }
bytes_of() { echo $(((${#1} + 1) * $2)); }
check_both() { # lines, curl's words
    local lines=$1 seen
    shift
    seen=$(curl -sS --max-time 120 "$@$lines" | md5sum | cut -d' ' -f1)
    [ "$seen" = "$(digest_of "$rewritten" "$lines")" ] || fail "response of $lines lines: $*"
    seen=$(yes "$line" | head -n "$lines" | curl -sS --max-time 120 -H 'Expect:' -T - "$@")
    [ "$seen" = "$(bytes_of "$rewritten" "$lines") $(digest_of "$rewritten" "$lines")" ] ||
        fail "request of $lines lines: $* $seen"
}
for lines in 1 400 5000; do
    check_both "$lines" "http://127.0.0.1:$h1/"
    check_both "$lines" --http2-prior-knowledge "http://127.0.0.1:$h2/"
done
before=$(peak "$pid")
lines=2500000 # 100 MB
check_both "$lines" --limit-rate 60M "http://127.0.0.1:$h1/"
check_both "$lines" --limit-rate 60M --http2-prior-knowledge "http://127.0.0.1:$h2/"
after=$(peak "$pid")
echo "peak memory: $before kB after small bodies, $after kB after large ones"
[ $((after - before)) -lt 16384 ] || fail "memory grew: $before to $after kB"
