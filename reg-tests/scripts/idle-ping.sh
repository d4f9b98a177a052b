# idle-ping: silent HTTP/2 peers are asked whether they are there; those that do not answer are closed, on both sides.
. "$(dirname "$0")/lib.sh"
need python3

cat >"$work/test.py" <<'EOF'
import socket, struct, subprocess, sys, threading, time
weir, work = sys.argv[1:]
LOCAL = "127.0.0.1"
def free():
    with socket.socket() as sock:
        sock.bind((LOCAL, 0))
        return sock.getsockname()[1]
def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
def take(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
def read_frame(sock):
    head = take(sock, 9)
    return head[3], head[4], take(sock, int.from_bytes(head[:3], "big"))
def serve(sock, answers, log):
    """Counts pings until the other side closes; answers them, and settings, and requests."""
    try:
        while True:
            kind, flags, body = read_frame(sock)
            if kind == 4 and not flags & 1:
                sock.sendall(frame(4, 1, 0))
            elif kind == 6 and not flags & 1:
                log["pings"] += 1
                if answers:
                    sock.sendall(frame(6, 1, 0, body))
            elif kind == 1 and log["server"]:
                sock.sendall(frame(1, 5, 2 * log["heads"] + 1, b"\x88")) # :status 200, the end
                log["heads"] += 1
    except (EOFError, OSError):
        log["closed"] = time.time()
def new_log(server=False):
    return {"pings": 0, "heads": 0, "closed": 0, "server": server, "began": time.time()}
logs = {}
def server(name, answers):
    listener = socket.create_server((LOCAL, 0))
    def run():
        while True:
            sock, _ = listener.accept()
            log = new_log(True)
            logs.setdefault(name, []).append(log)
            take(sock, 24)
            sock.sendall(frame(4, 0, 0))
            threading.Thread(target=serve, args=(sock, answers, log), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]
good, bad = server("good", True), server("bad", False)
ask, quiet, h1 = free(), free(), free()
open(f"{work}/weir.cfg", "w").write(f"""global
    nbthread 1
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 5s
    timeout http-request 20s
frontend ask
    bind {LOCAL}:{ask} proto h2 idle-ping 150ms
    http-request return status 200
frontend limited
    bind {LOCAL}:{quiet} proto h2 idle-ping 150ms
    timeout http-request 1s
    http-request return status 200
frontend back
    bind {LOCAL}:{h1}
    use_backend bad if {{ path /bad }}
    default_backend good
backend good
    server s {LOCAL}:{good} proto h2 idle-ping 150ms pool-purge-delay 10s
backend bad
    server s {LOCAL}:{bad} proto h2 idle-ping 150ms pool-purge-delay 10s
""")
child = subprocess.Popen([weir, "-db", "-f", f"{work}/weir.cfg"], stderr=open(f"{work}/weir.err", "w"))
def fail(text):
    child.kill()
    raise SystemExit(text)
def dial(port):
    for _ in range(100):
        try:
            return socket.create_connection((LOCAL, port), timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.05)
    fail("nobody listens")
def client(port, answers):
    sock, log = dial(port), new_log()
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
    threading.Thread(target=serve, args=(sock, answers, log), daemon=True).start()
    return log
def wait(what, holds, seconds=5):
    for _ in range(int(seconds * 50)):
        if holds():
            return
        time.sleep(0.02)
    fail(what)
there, silent, late = client(ask, True), client(ask, False), client(quiet, True)
wait("a silent client stays", lambda: silent["closed"])
if silent["pings"] != 1:
    fail(f"{silent['pings']} questions to a silent client")
wait("a client that answers is asked again", lambda: there["pings"] >= 8)
if there["closed"]:
    fail("a client that answers was closed")
wait("answers put the next request off", lambda: late["closed"])
if late["pings"] < 3 or late["closed"] - late["began"] > 3:
    fail(f"timeout http-request: {late}")
def get(path):
    sock = dial(h1)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    if not sock.recv(1000).startswith(b"HTTP/1.1 200"):
        fail(f"{path}: no answer")
get("/")
get("/bad")
wait("a server that answers is asked again", lambda: logs["good"][0]["pings"] >= 4)
wait("a silent server stays", lambda: logs["bad"][0]["closed"])
get("/bad")
get("/")
if len(logs["good"]) != 1 or len(logs["bad"]) != 2 or logs["bad"][0]["pings"] != 1:
    fail(f"connections to servers: {logs}")
child.terminate()
child.wait()
print("fine")
EOF
python3 "$work/test.py" "$weir" "$work" >"$work/test.log" 2>&1 || fail "idle-ping"
grep -q fine "$work/test.log" || fail "not fine"
echo passed
