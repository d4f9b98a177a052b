# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of the manual: doc/configuration/examples/*.tsv. See the README there.

usage: manual_examples.py PROGRAM FOLDER [--fill]      --fill writes what the program answers into empty results
"""
import os
import re
import socket
import subprocess
import sys
import time

ROOT = "doc/configuration/examples"
REQUEST = open(os.path.join(ROOT, "request.http")).read().replace("\n", "\r\n").replace("$\r\n", "")
HEAD = """global
    stats socket {folder}/weir.sock level admin
{prelude}
defaults
    mode http
    timeout connect 3s
    timeout client 3s
    timeout server 3s
"""


def rows(name):
    path = os.path.join(ROOT, name + ".tsv")
    with open(path) as f:
        for number, line in enumerate(f, 1):
            line = line.replace("FOLDER", sys.argv[2])
            if line.strip() and not line.startswith("#"):
                parts = line.rstrip("\n").split("\t")
                yield f"{path}:{number}", parts + [""] * (4 - len(parts))


def quoted(text):
    for character in "\\\"$":
        text = text.replace(character, "\\" + character)
    return '"' + text + '"'


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def ask(port, request):
    data = b""
    with socket.create_connection(("127.0.0.1", port), 5) as conn:
        conn.settimeout(5)
        conn.sendall(request.encode("latin-1"))
        while b"\r\n\r\n" not in data:
            more = conn.recv(65536)
            if not more:
                break
            data += more
    found = re.search(r"\r\nx-result: ?(.*?)\r\n", data.decode("latin-1"), re.S | re.I)
    return found.group(1) if found else ""


def config(folder, ports):
    """A frontend for each expression: where "response" is written, it looks at an answer."""
    with open(os.path.join(ROOT, "prelude.cfg")) as f:
        text = HEAD.format(folder=folder, prelude=f.read().replace("FOLDER", folder))
    answer = open(os.path.join(ROOT, "answer.cfg")).read()
    text += f"frontend origin\n    bind 127.0.0.1:{ports['origin']}\n{answer}backend shop\n    server s1 127.0.0.1:{ports['origin']}\n"
    for where, (name, expression, result, place) in expressions():
        text += f"frontend f{ports[where]}\n    bind 127.0.0.1:{ports[where]}\n    option http-buffer-request\n    default_backend shop\n"
        value = quoted("%[" + expression + "]")
        if kind_of(where) == "aliases":
            text += "    log stdout format raw local0\n    log-format " + quoted(f"@{where}@{expression}") + "\n"
        elif place == "response":
            text += "    http-response set-header X-Result " + value + "\n"
        else:
            text += "    http-request return status 200 hdr X-Result " + value + "\n"
    return text


def kind_of(where):
    return os.path.basename(where).split(".")[0]


def expressions():
    for kind in ("converters", "samples", "aliases"):
        for where, row in rows(kind):
            if row[3] != "check":
                yield where, row


def checks():
    """Those that are only read: actions, and samples that need another place."""
    for where, (name, line, _, place) in rows("actions"):
        yield where, line.replace("\\n", "\n    ")
    for kind in ("samples", "aliases", "converters"):
        for where, (name, expression, result, place) in rows(kind):
            if place == "check":
                yield where, result.replace("\\n", "\n    ")


WRAPPED = {
    "global": "global\n{}",
    "defaults": "defaults\n    mode http\n{}frontend web\n    bind 127.0.0.1:1\n    default_backend shop\n",
    "frontend": "frontend web\n    mode http\n    bind 127.0.0.1:1\n    default_backend shop\n{}",
    "listen": "listen web\n    mode http\n    bind 127.0.0.1:1\n{}",
    "backend": "backend web\n    mode http\n{}",
    "tcp-frontend": "frontend web\n    mode tcp\n    bind 127.0.0.1:1\n    default_backend shop\n{}",
    "file": "{}",
}


def blocks():
    """Code blocks of the guides: ```haproxy-<section>."""
    for name in sorted(os.listdir("doc/configuration")):
        if not name.endswith(".md"):
            continue
        text = open(os.path.join("doc/configuration", name)).read()
        for found in re.finditer(r"^```haproxy-([\w-]+)\n(.*?)^```", text, re.S | re.M):
            where = f"doc/configuration/{name}:{text.count(chr(10), 0, found.start()) + 1}"
            yield where, WRAPPED[found.group(1)].format(found.group(2)), found.group(1)


def check_blocks(program, folder):
    failed = 0
    path = os.path.join(folder, "block.cfg")
    for where, text, place in blocks():
        more = "" if place == "file" else "defaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n" + "".join(f"backend {name}\n    server s1 127.0.0.1:1\n" for name in ("shop", "api", "static", "images"))
        with open(path, "w") as f:
            f.write(more + text)
        result = subprocess.run([program, "-c", "-f", path], capture_output=True, text=True)
        if result.returncode not in (0, 2):
            print(f"{where}: refused:\n{result.stderr}")
            failed += 1
    return failed


def check_reading(program, folder):
    failed = check_blocks(program, folder)
    with open(os.path.join(ROOT, "prelude.cfg")) as f:
        prelude = f.read().replace("FOLDER", folder)
    for where, line in checks():
        section = "frontend web\n    bind 127.0.0.1:1\n"
        if line.startswith("backend: "):
            section, line = "backend web\n", line[len("backend: "):]
        path = os.path.join(folder, "check.cfg")
        with open(path, "w") as f:
            f.write(HEAD.format(folder=folder, prelude=prelude) + "backend shop\n    server s1 127.0.0.1:1\n" + section + "    " + line + "\n" +
                    ("" if "backend" in section else "    default_backend shop\n") + "frontend other\n    bind 127.0.0.1:2\n    default_backend shop\n")
        result = subprocess.run([program, "-c", "-f", path], capture_output=True, text=True)
        if result.returncode != 0:
            print(f"{where}: {line}: refused:\n{result.stderr}")
            failed += 1
    return failed


def logged(folder, wanted):
    for _ in range(200):
        found = dict(re.findall(r"@([^@ ]*:\d+)@(.*)", open(os.path.join(folder, "out")).read()))
        if len(found) >= len(wanted):
            break
        time.sleep(0.05)
    return {w: found.get(w, "no log line") for w in wanted}


def run(program, folder, fill):
    names = ["origin"] + [where for where, _ in expressions()]
    ports = dict(zip(names, free_ports(len(names))))
    path = os.path.join(folder, "run.cfg")
    with open(path, "w") as f:
        f.write(config(folder, ports))
    with open(os.path.join(folder, "out"), "w") as out:
        process = subprocess.Popen([program, "-f", path], stdout=out, stderr=subprocess.PIPE, text=True)
    failed, answers = 0, {}
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", ports["origin"]), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    print(process.stderr.read())
                    return 1, {}
                time.sleep(0.05)
        for where, _ in expressions():
            answers[where] = ask(ports[where], REQUEST)
        answers.update(logged(folder, [w for w, _ in expressions() if kind_of(w) == "aliases"]))
        for where, (name, expression, result, place) in expressions():
            if result != "*" and answers[where] != result and not (fill and result == ""):
                print(f"{where}: {expression} gives '{answers[where]}', not '{result}'")
                failed += 1
    finally:
        process.terminate()
        process.wait()
    return failed, answers


def fill_in(answers):
    for kind in ("converters", "samples", "aliases"):
        path = os.path.join(ROOT, kind + ".tsv")
        lines = open(path).read().split("\n")
        for where, value in answers.items():
            if where.startswith(path + ":"):
                at = int(where.rsplit(":", 1)[1]) - 1
                parts = lines[at].split("\t")
                if len(parts) == 2 or parts[2] == "@":
                    lines[at] = "\t".join(parts[:2] + [value.replace(sys.argv[2], "FOLDER")] + parts[3:])
        open(path, "w").write("\n".join(lines))


def make_files(folder):
    """What examples read: each file of the folder "files", and the same with numbers and addresses as values."""
    values = {"": None, "-numbers": "5", "-addresses": "192.0.2.80"}
    for name in os.listdir(os.path.join(ROOT, "files")):
        base, ending = os.path.splitext(name)
        lines = open(os.path.join(ROOT, "files", name)).read().splitlines()
        for suffix, value in values.items():
            with open(os.path.join(folder, base + suffix + ending), "w") as f:
                f.writelines((line.split()[0] + " " + value if value else line) + "\n" for line in lines)


def main():
    make_files(sys.argv[2])
    program, folder = sys.argv[1], sys.argv[2]
    failed = check_reading(program, folder)
    wrong, answers = run(program, folder, "--fill" in sys.argv)
    if "--fill" in sys.argv:
        fill_in(answers)
    sys.exit(1 if failed + wrong else 0)


main()
