# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench and scripts/bench-counts share: starting origins and proxies on free ports."""
import os
import signal
import socket
import subprocess
import tempfile
import time

CLK_TCK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            raise SystemExit(f"a program ended before it served port {port}: {process.args}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing serves port {port}")


def pinned(cpu, command):
    """Run on one CPU, where the machine has more than one."""
    if cpu is None or os.cpu_count() < 2:
        return command
    return ["taskset", "-c", str(cpu)] + command


def cpu_ticks(pids):
    """User and system ticks of these processes, dead threads included."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


class Bench:
    """A work folder, and the processes started in it; all are ended on exit."""

    def __init__(self, keep_output=False):
        self.folder = tempfile.mkdtemp(prefix="weir-bench.")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.processes):
            self.stop(process)
        subprocess.run(["rm", "-rf", self.folder])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def start(self, command, port, cpu=None):
        log = open(self.path("log"), "a")
        process = subprocess.Popen(pinned(cpu, command), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        wait_port(port, process, 60)
        return process

    def stop(self, process, sig=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(sig)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)

    # --- origins ---------------------------------------------------------

    def origin(self, cpu=None):
        """nginx as the server behind: a small answer on /, a 16 MB file on /big."""
        port = free_port()
        root = self.path("root")
        os.makedirs(root, exist_ok=True)
        os.chmod(self.folder, 0o755)
        with open(os.path.join(root, "big"), "wb") as f:
            f.truncate(16 << 20)
        config = self.write(
            "origin.conf",
            f"""daemon off; worker_processes 1; pid {self.path('origin.pid')}; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; sendfile on; tcp_nopush on;
  client_body_temp_path {self.path('t1')}; proxy_temp_path {self.path('t2')};
  fastcgi_temp_path {self.path('t3')}; uwsgi_temp_path {self.path('t4')}; scgi_temp_path {self.path('t5')};
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096; root {root};
    location = / {{ return 200 "hello, this is a small answer of about one hundred bytes, as an interface would give it ......\\n"; }}
    location /big {{ }}
  }}
}}
""",
        )
        self.start(["nginx", "-c", config], port, cpu)
        return port

    # --- proxies ---------------------------------------------------------

    def rules(self, port):
        """Lines of a frontend with many rules, as real files have them."""
        hosts = self.path("hosts.map")
        if not os.path.exists(hosts):
            with open(hosts, "w") as f:
                f.writelines(f"host{n}.example.com b\n" for n in range(100000))
        with open(hosts, "a") as f:
            f.write(f"127.0.0.1:{port} b\n")
        lines = ["option forwardfor"]
        lines += [f"acl area{n} path_beg /area{n}/" for n in range(40)]
        lines += [f"acl old{n} path_reg ^/old{n}/[0-9]+/(a|b)" for n in range(10)]
        lines += [f"http-request deny if area{n}" for n in range(40)]
        lines += ["http-request set-header X-Host %[req.hdr(host),lower]", "http-request del-header X-Internal"]
        lines += [f"use_backend b if old{n}" for n in range(10)]
        lines += [f"use_backend %[req.hdr(host),lower,map_str({hosts},b)]"]
        return "".join(f"  {line}\n" for line in lines)

    def certificate(self):
        """A P-256 certificate and its key in one file."""
        path = self.path("cert.pem")
        if not os.path.exists(path):
            subprocess.run(
                ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-subj", "/CN=bench.example", "-days", "30", "-keyout", self.path("key"), "-out", path],
                check=True, capture_output=True)
            with open(path, "a") as f:
                f.write(open(self.path("key")).read())
        return path

    def haproxy_config(self, origin, mode="http", close=False, with_rules=False, script=None,
                       rules=None):
        port = free_port()
        extra = {"tls": f" ssl crt {self.certificate()} alpn http/1.1", "h2": " proto h2",
                 "h2s": f" ssl crt {self.certificate()} alpn h2"}.get(mode, "")
        mode = "http" if extra else mode
        rules = self.rules(port) if with_rules else rules or ""
        if script and not rules:
            rules = "  http-request set-var(txn.x) lua.cat\n"
        options = "option http-server-close\n  " if close and mode == "http" else ""
        config = self.write(
            f"haproxy-{port}.cfg",
            f"""global
  nbthread 1
  maxconn 4000
{script or ""}defaults
  mode {mode}
  {options}timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}{extra}
{rules}  default_backend b
backend b
  balance roundrobin
  http-reuse always
  server s 127.0.0.1:{origin}
""".replace("  http-reuse always\n", "" if mode == "tcp" or close else "  http-reuse always\n"),
        )
        return port, config

    def nginx_config(self, origin, mode="http", close=False):
        port = free_port()
        temp = "".join(
            f"{kind}_temp_path {self.path(kind + str(port))};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        keep = "" if close else 'proxy_http_version 1.1; proxy_set_header Connection "";'
        pool = "" if close else "keepalive 256; keepalive_requests 100000000;"
        tls = ""
        if mode in ("tls", "h2s"):
            tls = f"ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {self.certificate()}; ssl_certificate_key {self.certificate()};"
        if mode != "tcp":
            body = f"""http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  {temp}
  upstream b {{ server 127.0.0.1:{origin}; {pool} }}
  server {{ listen 127.0.0.1:{port} {"ssl" if tls else ""} {"http2" if mode in ("h2", "h2s") else ""} reuseport backlog=4096; {tls}
    location / {{ proxy_pass http://b; {keep} proxy_max_temp_file_size 0; }} }}
}}"""
        else:
            body = f"""stream {{
  upstream b {{ server 127.0.0.1:{origin}; }}
  server {{ listen 127.0.0.1:{port} reuseport backlog=4096; proxy_pass b; }}
}}"""
        module = ""
        if mode == "tcp":
            path = "/usr/lib/nginx/modules/ngx_stream_module.so"
            if not os.path.exists(path):
                return None, None
            module = f"load_module {path};\n"
        config = self.write(
            f"nginx-{port}.conf",
            f"""{module}daemon off; worker_processes 1; pid {self.path(f'nginx-{port}.pid')};
error_log stderr crit; worker_rlimit_nofile 12000;
events {{ worker_connections 5000; }}
{body}
""",
        )
        return port, config
