# What the scripts beside this file share. Each is a test against real programs: exit 0 passed, 77 skipped.
set -eu
weir=${HAPROXY_PROGRAM:-./weir}
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-script.XXXXXX")
chmod 755 "$work"
started=""

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*"; tail -n 40 "$work"/*.log 2>/dev/null || true; exit 1; }
need() { for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || skip "no $tool here"; done; }

clean_up() {
    for pid in $started; do kill "$pid" 2>/dev/null || true; done
    for pid in $started; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT

# A port that nothing listens on now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Start a program in the background; its pid goes to $last and it is ended at the end.
start() {
    "$@" >>"$work/start.log" 2>&1 &
    last=$!
    started="$started $last"
}

wait_port() {
    for _ in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    fail "nothing serves port $1"
}

# Ask the runtime socket $work/weir.sock.
cli() { printf '%s\n' "$*" | socat -t 5 - "UNIX-CONNECT:$work/weir.sock"; }

# Wait until the command's output matches.
wait_cli() {
    local pattern=$1; shift
    for _ in $(seq 200); do
        if cli "$@" | grep -q -- "$pattern"; then return 0; fi
        sleep 0.05
    done
    fail "'$*' never showed $pattern"
}

start_nginx() { # port text
    mkdir -p "$work/nginx-$1"
    cat >"$work/nginx-$1.conf" <<EOF
daemon off; master_process off; worker_processes 1; pid $work/nginx-$1.pid; error_log $work/nginx-$1.log crit;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000;
  client_body_temp_path $work/nginx-$1/a; proxy_temp_path $work/nginx-$1/b; fastcgi_temp_path $work/nginx-$1/c;
  uwsgi_temp_path $work/nginx-$1/d; scgi_temp_path $work/nginx-$1/e;
  server { listen 127.0.0.1:$1; location / { return 200 "$2\\n"; } } }
EOF
    start nginx -c "$work/nginx-$1.conf"
    wait_port "$1"
}
# The certificates that examples/edge-tls.cfg speaks of.
make_certs() {
    need openssl
    export CERTS="$work/certs"
    mkdir -p "$CERTS/certs"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=example.com \
        -keyout "$work/key" -out "$CERTS/clients.crt" 2>/dev/null || fail "no certificate"
    cp "$CERTS/clients.crt" "$CERTS/servers.crt"
    cat "$CERTS/clients.crt" "$work/key" >"$CERTS/certs/site.pem"
}
