#!/usr/bin/env python3
"""A name server for tests whose answers change, and which misbehaves when it is told to.

usage: dns_server.py ZONE PORTFILE

Answers over UDP and TCP on one port of 127.0.0.1, which it writes to PORTFILE. ZONE is read at each question:

    NAME TYPE VALUE...        app.test A 127.0.0.1 / _http._tcp.test SRV 0 10 8080 app.test / a.test CNAME b.test
    extra NAME TYPE VALUE...  goes into the additional section of each answer with an SRV record
    ttl SECONDS
    mode [NAME] WORD          nx refused servfail silent garbage wrongid wrongquestion truncated slow short loop noanswer
                              mute-udp; NAME: for questions about that name only
    log FILE                  a line for each question: "udp|tcp NAME TYPE"
"""
import os
import selectors
import socket
import struct
import sys
import time

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
NUMBERS = {number: name for name, number in TYPES.items()}


def pack_name(name):
    out = b""
    for label in name.strip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def read_question(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    kind, _ = struct.unpack(">HH", data[at + 1:at + 5])
    return ".".join(labels), kind, at + 5


def pack_record(name, kind, words, ttl):
    if kind == "A":
        value = socket.inet_aton(words[0])
    elif kind == "AAAA":
        value = socket.inet_pton(socket.AF_INET6, words[0])
    elif kind == "SRV":
        value = struct.pack(">HHH", *map(int, words[:3])) + pack_name(words[3])
    else:
        value = pack_name(words[0])
    return pack_name(name) + struct.pack(">HHIH", TYPES[kind], 1, ttl, len(value)) + value


class Zone:
    def __init__(self, path):
        self.records, self.extra, self.modes, self.ttl, self.log = [], [], {}, 5, None
        for line in open(path):
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "extra":
                self.extra.append((words[1].lower(), words[2], words[3:]))
            elif words[0] == "ttl":
                self.ttl = int(words[1])
            elif words[0] == "mode":
                self.modes[words[1].lower() if len(words) > 2 else None] = words[-1]
            elif words[0] == "log":
                self.log = words[1]
            else:
                self.records.append((words[0].lower(), words[1], words[2:]))

    def mode(self, name):
        return self.modes.get(name.lower(), self.modes.get(None))

    def find(self, name, kind):
        found, wanted, seen = [], name.lower(), set()
        while wanted not in seen:
            seen.add(wanted)
            for owner, its_kind, words in self.records:
                if owner == wanted and its_kind == kind:
                    found.append((owner, its_kind, words))
            aliases = [r for r in self.records if r[0] == wanted and r[1] == "CNAME"]
            if not aliases or kind == "CNAME":
                break
            found.append(aliases[0])
            wanted = aliases[0][2][0].lower()
        return found

    def knows(self, name):
        return any(owner == name.lower() for owner, _, _ in self.records)


def answer(data, zone, is_tcp):
    name, number, end = read_question(data)
    kind = NUMBERS.get(number, str(number))
    if zone.log:
        with open(zone.log, "a") as log:
            log.write("%s %s %s\n" % ("tcp" if is_tcp else "udp", name, kind))
    mode = zone.mode(name)
    if mode == "silent" or (mode == "mute-udp" and not is_tcp):
        return None
    if mode == "garbage":
        return data[:2] + os.urandom(60)
    if mode == "slow":
        time.sleep(0.3)
    ident, question = data[:2], data[12:end]
    if mode == "wrongid":
        ident = bytes([data[0] ^ 0x55, data[1]])
    if mode == "wrongquestion":
        question = pack_name("evil.test") + question[-4:]
    found = zone.find(name, kind)
    rcode = 0 if found or zone.knows(name) else 3
    rcode = {"nx": 3, "refused": 5, "servfail": 2}.get(mode, rcode)
    if rcode or mode == "noanswer":
        found = []
    if mode == "loop":
        found = [(name, "CNAME", ["l1.test"]), ("l1.test", "CNAME", ["l2.test"]), ("l2.test", "CNAME", ["l1.test"])]
    extra = zone.extra if any(r[1] == "SRV" for r in found) else []
    flags = 0x8580 | rcode
    if mode == "truncated" and not is_tcp:
        flags, found, extra = flags | 0x0200, [], []
    out = ident + struct.pack(">HHHHH", flags, 1, len(found), 0, len(extra)) + question
    for record in found + extra:
        out += pack_record(*record, zone.ttl)
    return out[:-3] if mode == "short" else out


def main():
    zone_path, port_path = sys.argv[1:3]
    while True:  # a port that is free for both
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.bind(udp.getsockname())
            break
        except OSError:
            udp.close()
            tcp.close()
    tcp.listen()
    with open(port_path + ".new", "w") as out:
        out.write("%d\n" % udp.getsockname()[1])
    os.rename(port_path + ".new", port_path)
    poll = selectors.DefaultSelector()
    poll.register(udp, selectors.EVENT_READ, "udp")
    poll.register(tcp, selectors.EVENT_READ, "listen")
    pending = {}
    while True:
        for key, _ in poll.select():
            if key.data == "udp":
                data, peer = udp.recvfrom(65535)
                out = answer(data, Zone(zone_path), False)
                if out and len(out) > 60000:
                    out = out[:2] + b"\x87\x80" + data[4:6] + bytes(6) + data[12:read_question(data)[2]]
                if out:
                    udp.sendto(out, peer)
            elif key.data == "listen":
                conn, _ = tcp.accept()
                pending[conn] = b""
                poll.register(conn, selectors.EVENT_READ, "tcp")
            else:
                conn = key.fileobj
                try:
                    got = conn.recv(65535)
                except OSError:
                    got = b""
                if not got:
                    poll.unregister(conn)
                    conn.close()
                    del pending[conn]
                    continue
                pending[conn] += got
                while len(pending[conn]) >= 2:
                    length = struct.unpack(">H", pending[conn][:2])[0]
                    if len(pending[conn]) < 2 + length:
                        break
                    out = answer(pending[conn][2:2 + length], Zone(zone_path), True)
                    pending[conn] = pending[conn][2 + length:]
                    if out:
                        conn.sendall(struct.pack(">H", len(out)) + out)


main()
