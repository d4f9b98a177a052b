"""An SMTP server on a free port, which it writes to a file; each line that it is told goes to stdout. usage: PORT_FILE [FAILURES]"""
import socket, sys, threading

failures = int(sys.argv[2]) if len(sys.argv) > 2 else 0
sock = socket.socket()
sock.bind(("127.0.0.1", 0))
sock.listen(10)
with open(sys.argv[1], "w") as f:
    f.write(str(sock.getsockname()[1]))


def talk(conn, fails):
    f = conn.makefile("rwb", 0)
    f.write(b"220-hello\r\n220 test ESMTP\r\n")
    in_data = False
    for line in f:
        print(("  " if in_data else "> ") + line.decode().rstrip("\r\n"), flush=True)
        if in_data:
            if line == b".\r\n":
                in_data = False
                f.write(b"250 ok\r\n")
        elif fails:
            f.write(b"421 not now\r\n")
        elif line.startswith(b"DATA"):
            in_data = True
            f.write(b"354 go on\r\n")
        elif line.startswith(b"QUIT"):
            f.write(b"221 bye\r\n")
            break
        else:
            f.write(b"250 ok\r\n")
    conn.close()


while True:
    conn, _ = sock.accept()
    threading.Thread(target=talk, args=(conn, failures > 0), daemon=True).start()
    failures -= 1
