# log-forward: syslog of others over UDP, TCP and TLS; what they say is read and written again; reload, soft stop.
. "$(dirname "$0")/lib.sh"
need python3 openssl

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/crt" -subj /CN=log -days 2 2>/dev/null
cat "$work/crt" "$work/key" >"$work/pem"
cat >"$work/test.py" <<'EOF'
import os, re, signal, socket, ssl, subprocess, sys, time
weir, work = sys.argv[1:]
LOCAL = "127.0.0.1"
def receiver():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((LOCAL, 0))
    sock.settimeout(5)
    return sock
def free(kind):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((LOCAL, 0))
        return sock.getsockname()[1]
forms = ["", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw", "local", "json"]
sinks = {form: receiver() for form in forms}
extra = {name: receiver() for name in ("filtered", "raw2", "replace", "keep", "append")}
udp, tcp, tls, raw, ntf, tiny = free(socket.SOCK_DGRAM), *(free(socket.SOCK_STREAM) for _ in range(5))
hosts = {name: free(socket.SOCK_DGRAM) for name in ("replace", "keep", "append")}
def target(sock, rest):
    return f"    log {LOCAL}:{sock.getsockname()[1]} {rest}\n"
def write_config(more=""):
    text = f"""global
    stats socket {work}/weir.sock mode 600 level admin
    log-tag ours
    log-send-hostname ourhost
log-forward all
    dgram-bind {LOCAL}:{udp}
    bind {LOCAL}:{tcp}
    bind {LOCAL}:{tls} ssl crt {work}/pem
    timeout client 10s
{more}"""
    for form, sock in sinks.items():
        text += target(sock, f"{'format ' + form if form else ''} local3")
    text += target(extra["filtered"], "local3 err")
    text += f"log-forward raw\n    bind {LOCAL}:{raw}\n    timeout client 10s\n    option dont-parse-log\n" + target(extra["raw2"], "format raw local0")
    text += f"log-forward ntf\n    bind {LOCAL}:{ntf}\n    timeout client 10s\n    option assume-rfc6587-ntf\n" + target(extra["raw2"], "local0")
    text += f"log-forward tiny\n    bind {LOCAL}:{tiny}\n    timeout client 300ms\n    maxconn 1\n" + target(extra["raw2"], "local0")
    for rule, port in hosts.items():
        text += f"log-forward {rule}\n    dgram-bind {LOCAL}:{port}\n    option host {rule}\n" + target(extra[rule], "format rfc3164 local0")
    open(f"{work}/weir.cfg", "w").write(text)
write_config()
out = open(f"{work}/out", "w")
child = subprocess.Popen([weir, "-db", "-f", f"{work}/weir.cfg"], stderr=out)
def dial(port):
    for _ in range(100):
        try:
            sock = socket.create_connection((LOCAL, port), timeout=5)
            return sock
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("nobody listens")
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def check(got, wanted, what):
    if not re.fullmatch(wanted, got):
        child.kill()
        raise SystemExit(f"{what}: got {got!r}, wanted {wanted!r}")
def hear(sock):
    try:
        return sock.recv(70000).decode("latin1").rstrip("\n")
    except socket.timeout:
        return "NOTHING"
NOW = r"\w{3} [ \d]\d \d\d:\d\d:\d\d"
ISO = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d"
YEAR = str(time.localtime().tm_year)
cases = {
    b"<13>Nov  3 01:02:03 host1 app[42]: hello": {
        "": r"<13>Nov  3 01:02:03 host1 app\[42\]: hello", "rfc3164": r"<13>Nov  3 01:02:03 host1 app\[42\]: hello",
        "rfc5424": rf"<13>1 {YEAR}-11-03T01:02:03-00:00 host1 app 42 - - hello", "priority": "<13>hello", "short": "<5>hello",
        "timed": rf"<5>{YEAR}-11-03T01:02:03-00:00 hello", "iso": rf"{YEAR}-11-03T01:02:03-00:00 hello", "raw": "hello",
        "local": r"<13>Nov  3 01:02:03 app\[42\]: hello",
        "json": rf'{{"time": "{YEAR}-11-03T01:02:03-00:00", "level": "notice", "host": "host1", "process": "app", "pid": "42", "message": "hello"}}' },
    b'<165>1 2003-10-01T22:14:15.003Z box evnt 77 ID47 [ex@1 a="\\"b]" c="]"][y] text here': {
        "": r'<165>1 2003-10-01T22:14:15\.003Z box evnt 77 ID47 \[ex@1 a="\\"b\]" c="\]"\]\[y\] text here',
        "rfc3164": r"<165>Oct  1 22:14:15 box evnt\[77\]: text here",
        "rfc5424": r'<165>1 2003-10-01T22:14:15\.003Z box evnt 77 ID47 \[ex@1 a="\\"b\]" c="\]"\]\[y\] text here',
        "priority": "<165>text here", "timed": r"<5>2003-10-01T22:14:15\.003Z text here", "local": r"<165>Oct  1 22:14:15 evnt\[77\]: text here" },
    b"<165>1 - - - - - - nil": { "": "<165>nil", "rfc3164": rf"<165>{NOW} 127\.0\.0\.1 nil", "rfc5424": r"<165>1 - 127\.0\.0\.1 - - - - nil", "timed": rf"<5>{ISO} nil" },
    b"<13>Nov 13 01:02:03 host1 no tag": { "": "<13>Nov 13 01:02:03 host1 no tag", "rfc5424": rf"<13>1 {YEAR}-11-13T01:02:03-00:00 host1 - - - - no tag" },
    b"plain": { "": "plain", "rfc3164": rf"<152>{NOW} 127\.0\.0\.1 plain", "priority": "<152>plain", "short": "<0>plain", "json": rf'{{"time": "{ISO}", "level": "emerg", "host": "127\.0\.0\.1", "message": "plain"}}' },
    b"<13>a \"quoted\"\nline\n": { "": "<13>a \"quoted\"\nline", "json": r'\{.*"message": "a \\"quoted\\"\\nline"\}' },
    b"<165>1 2003-99-01T22:14:15.003Z h a p m - bad month": { "": "<165>1 2003-99-01T22:14:15.003Z h a p m - bad month", "raw": "1 2003-99-01T22:14:15.003Z h a p m - bad month" },
    b"<165>1 - h a p m [open x": { "": r"<165>1 - h a p m \[open x" },
    b"<": { "": "<" }, b"<13": { "": "<13" }, b"<1x>y": { "": "<1x>y" }, b"<13>1": { "": "<13>1" }, b"<13>Nov": { "": "<13>Nov" },
    b"<13>Nov  3 01:02:03 h": { "": "<13>Nov  3 01:02:03 h " },
    b"<11>" + b"x" * 3000: { "": "<11>x{1020}", "raw": "x{1024}" },
}
dial(tcp).close()
def expect_all(message, wanted, what):
    for form, sock in sinks.items():
        got = hear(sock)
        if form in wanted:
            check(got, wanted[form], f"{what} {message[:60]!r} as {form or 'it came'}")
    level = re.match(rb"<(\d+)>", message)
    if level is None or int(level[1]) % 8 <= 3:
        hear(extra["filtered"])
for message, wanted in cases.items():
    sender.sendto(message, (LOCAL, udp))
    expect_all(message, wanted, "udp")
# TCP and TLS: lines, lengths, one byte at a time.
def secure(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(dial(port))
def hears(sock, *wanted, what="stream"):
    for one in wanted:
        check(hear(sock), one, what)
def skip_rest():
    for sock in list(sinks.values())[1:] + [extra["filtered"]]:
        sock.setblocking(False)
        try:
            while True:
                sock.recv(70000)
        except BlockingIOError:
            pass
        sock.settimeout(5)
def is_closed(sock):
    try:
        return sock.recv(10) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False
stream = b"<11>one\n<12>two\n8 <10>five13 <11>with\nline<9>four\n"
for sock in (dial(tcp), secure(tls)):
    sock.sendall(stream)
    hears(sinks[""], "<11>one", "<12>two", "<10>five", "<11>with\nline", "<9>four")
    for i in range(len(stream)):
        sock.sendall(stream[i:i + 1])
    hears(sinks[""], "<11>one", "<12>two", "<10>five", "<11>with\nline", "<9>four")
    sock.close()
skip_rest()
for wrong in (b"plain\n", b"0 <1>x", b"012 <1>x", b"12x <1>", b"999999 <13>x", b"\n<13>x\n", b"<13>" + b"x" * 70000):
    sock = dial(tcp)
    sock.sendall(wrong)
    if not is_closed(sock):
        raise SystemExit(f"{wrong[:20]!r} was not refused")
sock = dial(tcp)
sock.sendall(b"<13>good\n<13>its end never comes")
hears(sinks[""], "<13>good")
sock.close()
# Options.
sock = dial(raw)
sock.sendall(b"<13>Nov  3 01:02:03 h t: untouched\n")
hears(extra["raw2"], "<13>Nov  3 01:02:03 h t: untouched", what="dont-parse-log")
sock = dial(ntf)
sock.sendall(b"12 monkeys\nplain\n<13>x\n")
hears(extra["raw2"], "12 monkeys", "plain", "<13>x", what="assume-rfc6587-ntf")
first = dial(tiny)
first.sendall(b"<13>first\n")
hears(extra["raw2"], "<13>first", what="maxconn")
second = dial(tiny)
second.sendall(b"<13>second\n")
begin = time.time()
hears(extra["raw2"], "<13>second", what="maxconn") # once the first was silent for too long
if not is_closed(first):
    raise SystemExit("timeout client does nothing")
for message, wanted in { b"<13>Nov  3 01:02:03 box t: m": { "replace": r"127\.0\.0\.1", "keep": "box", "append": r"box,127\.0\.0\.1" },
                         b"<13>m": { "replace": r"127\.0\.0\.1", "keep": "localhost", "append": r"127\.0\.0\.1" } }.items():
    for rule, host in wanted.items():
        sender.sendto(message, (LOCAL, hosts[rule]))
        check(hear(extra[rule]), rf"<13>{NOW} {host} (t: )?m", f"option host {rule}")
# A reload keeps sockets and connections, and takes the new lines.
skip_rest()
kept = dial(tcp)
kept.sendall(b"<13>before\n")
hears(sinks[""], "<13>before", what="before the reload")
other = free(socket.SOCK_DGRAM)
write_config(f"    dgram-bind {LOCAL}:{other}\n")
child.send_signal(signal.SIGHUP)
for _ in range(200):
    sender.sendto(b"<13>after", (LOCAL, other))
    sinks[""].settimeout(0.05)
    if hear(sinks[""]) == "<13>after":
        break
else:
    raise SystemExit("the reload did not bring the new address")
sinks[""].settimeout(5)
time.sleep(0.1)
kept.sendall(b"<13>kept\n")
while (got := hear(sinks[""])) == "<13>after":
    pass
check(got, "<13>kept", "a connection across the reload")
# Many at once: all arrive.
def burst():
    for i in range(2000):
        kept.sendall(b"<13>line %d\n" % i)
        if i % 20 == 19:
            for j in range(20):
                check(hear(sinks[""]), f"<13>line {i - 19 + j}", "burst")
        skip_rest() if i % 20 == 19 else None
burst()
child.send_signal(signal.SIGUSR1)
if not is_closed(kept) or child.wait(10) != 0:
    raise SystemExit(f"the soft stop ended with {child.wait(10)}")
print("fine")
EOF
python3 "$work/test.py" "$weir" "$work" >"$work/test.log" 2>&1 || fail "log-forward"
grep -q fine "$work/test.log" || fail "not fine"

# What is not understood is refused.
refused() { # text pattern
    printf '%s\n' "$1" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.out" 2>&1; then fail "accepted: $1"; fi
    grep -q -- "$2" "$work/bad.out" || { cat "$work/bad.out"; fail "no '$2' about: $1"; }
}
refused "log-forward" "a name"
refused "log-forward x
log-forward x" "stands already"
refused "log-forward x
    dgram-bind /tmp/socket" "IP addresses"
refused "log-forward x
    dgram-bind 127.0.0.1:1 ssl crt x" "not for datagrams"
refused "log-forward x
    dgram-bind 127.0.0.1" "port"
refused "log-forward x
    option host nobody" "replace, fill, keep or append"
refused "log-forward x
    balance roundrobin" "balance"
refused "log-forward x
    maxconn 0" "maxconn"
refused "log-forward x
    dgram-bind 127.0.0.1:1515
    log 127.0.0.1:1516 profile p local0
log-profile p
    on any format x" "profiles"
echo passed
