# -dR and noreuseport: one socket for an address, which all threads share; else one for each thread.
. "$(dirname "$0")/lib.sh"
need socat

sockets() { # listening sockets of a port
    local hex
    hex=$(printf ':%04X' "$1")
    awk -v port="$hex" '$4 == "0A" && substr($2, 9) == port' /proc/net/tcp | wc -l
}

serve() { # options...; the port goes to $port
    port=$(free_port)
    cat >"$work/weir.cfg" <<EOF
global
    nbthread 3
    $global
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$port
    http-request return status 200
EOF
    start "$weir" -db -f "$work/weir.cfg" "$@"
    wait_port "$port"
}

expect() {
    local got
    got=$(sockets "$port")
    [ "$got" = "$1" ] || fail "$2: $got sockets instead of $1"
    for _ in 1 2 3 4 5 6; do
        printf 'GET / HTTP/1.0\r\n\r\n' | socat -t5 - "TCP:127.0.0.1:$port" | grep -q '^HTTP/1.[01] 200' ||
            fail "$2: no answer"
    done
}

global="#"
serve
expect 3 "as it is"
serve -dR
expect 1 "-dR"
global=noreuseport
serve
expect 1 "noreuseport"
echo passed
