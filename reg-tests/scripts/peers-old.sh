# A peer that refuses protocol 2.1 is spoken to in 2.0.
. "$(dirname "$0")/lib.sh"
need python3

cat >"$work/test.py" <<'EOF'
import socket, subprocess, sys
weir, work = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(30)
with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
open(f"{work}/weir.cfg", "w").write(f"""peers p
    bind 127.0.0.1:{port}
    server a
    server b 127.0.0.1:{listener.getsockname()[1]}
    table t type string len 20 size 100 expire 1m store gpc0
""")
child = subprocess.Popen([weir, "-db", "-L", "a", "-f", f"{work}/weir.cfg"], stderr=subprocess.DEVNULL)
def hello(answer):
    sock, _ = listener.accept()
    sock.settimeout(10)
    text = b""
    while text.count(b"\n") < 3:
        text += sock.recv(1000)
    sock.sendall(answer)
    return sock, text.split(b"\n")[0].decode()
seen = []
try:
    for answer in (b"502\n", b"502\n", b"502\n", b"200\n"):
        sock, version = hello(answer)
        seen.append(version)
    if not sock.recv(1000):
        raise SystemExit("nothing is said after 200")
finally:
    child.terminate()
    child.wait()
if seen != ["HAProxyS 2.1", "HAProxyS 2.0", "HAProxyS 2.1", "HAProxyS 2.0"]:
    raise SystemExit(f"versions: {seen}")
print("fine")
EOF
python3 "$work/test.py" "$weir" "$work" >"$work/test.log" 2>&1 || fail "peers-old"
grep -q fine "$work/test.log" || fail "not fine"
echo passed
