#!/usr/bin/env python3
"""Raw frames of HTTP/2 that no honest client sends. abuse.py PORT CASE; says how the connection ended."""
import socket
import struct
import sys

HEADS = bytes.fromhex("828684") + b"\x41\x01a"  # GET http / and :authority a


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def frames(data):
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if len(data) < 9 + size:
            return
        yield data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:9 + size]
        data = data[9 + size:]


def ids(count):
    return range(1, 2 * count, 2)


def settings(entries=()):
    return frame(4, 0, 0, b"".join(struct.pack(">HI", k, v) for k, v in entries))


CASES = {
    "rapid-reset": lambda: b"".join(frame(1, 5, i, HEADS) + frame(3, 0, i, struct.pack(">I", 8)) for i in ids(20000)),
    "continuation": lambda: frame(1, 1, 1, HEADS) + b"".join(frame(9, 0, 1, b"\x00\x01b\x01c" * 10) for _ in range(5000)),
    "pings": lambda: b"".join(frame(6, 0, 0, b"12345678") for _ in range(50000)),
    "settings": lambda: b"".join(settings([(1, 4096)]) for _ in range(50000)),
    "empty-data": lambda: frame(1, 4, 1, bytes.fromhex("838684") + b"\x41\x01a") + b"".join(frame(0, 0, 1) for _ in range(20000)),
    "big-head": lambda: frame(1, 1, 1, HEADS + b"\x00\x01b\x7f\x81\x7c" + b"c" * 16000)
    + frame(9, 4, 1, b"\x00\x01d\x7f\xb9\x16" + b"e" * 3000),
    "bad-preface": None,
    "even-stream": lambda: frame(1, 5, 2, HEADS),
    "data-on-idle": lambda: frame(0, 0, 5, b"x"),
    "window-overflow": lambda: frame(8, 0, 0, struct.pack(">I", 0x7fffffff)) * 2,
    "window-zero": lambda: frame(8, 0, 0, struct.pack(">I", 0)),
    "frame-too-large": lambda: frame(0, 0, 1, b"x" * 20000),
    "settings-ack-long": lambda: frame(4, 1, 0, b"123456"),
    "push": lambda: frame(5, 4, 1, struct.pack(">I", 2) + HEADS),
    "bad-hpack": lambda: frame(1, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
    "split-head": lambda: frame(1, 1, 1, HEADS) + frame(6, 0, 0, b"12345678"),
    "no-path": lambda: frame(1, 5, 1, bytes.fromhex("8286") + b"\x41\x01a") + frame(1, 5, 3, HEADS),
    "tiny-window": lambda: frame(1, 5, 1, HEADS),
}


def talk(port, case):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(5)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    if case == "bad-preface":
        data = preface + b"GET / HTTP/1.1\r\n\r\n" * 10
    else:
        data = preface + settings([(4, 1)] if case == "tiny-window" else []) + CASES[case]()
    received = b""
    try:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    try:
        while len(received) < 1 << 20:
            more = peer.recv(65536)
            if not more:
                break
            received += more
    except OSError:
        pass
    said = [(kind, stream, payload) for kind, flags, stream, payload in frames(received)]
    goaway = [struct.unpack(">I", p[4:8])[0] for k, s, p in said if k == 7]
    resets = [struct.unpack(">I", p)[0] for k, s, p in said if k == 3]
    answers = len([1 for k, s, p in said if k == 1])
    print(f"{case}: goaway {goaway[-1:]} resets {sorted(set(resets))} answers {'any' if case == 'rapid-reset' else 'some' if answers else 'none'} "
          f"acks {'few' if len([1 for k, s, p in said if k in (4, 6)]) < 2000 else 'many'}")


for name in sys.argv[2:] or CASES:
    talk(int(sys.argv[1]), name)
