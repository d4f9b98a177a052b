# tune.rcvbuf.server and tune.sndbuf.server: the kernel's buffers of connections to servers.
. "$(dirname "$0")/lib.sh"
need socat ss

port=$(free_port)
origin=$(free_port)
cat >"$work/origin.cfg" <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$origin
    http-request return status 200
EOF
cat >"$work/weir.cfg" <<EOF
global
    tune.rcvbuf.server 20000
    tune.sndbuf.server 30000
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 30s
listen fe
    bind 127.0.0.1:$port
    server s 127.0.0.1:$origin
EOF
start "$weir" -db -f "$work/origin.cfg"
start "$weir" -db -f "$work/weir.cfg"
wait_port "$origin"
wait_port "$port"
printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' | socat -t1 - "TCP:127.0.0.1:$port" | grep -q '^HTTP/1.1 200' || fail "no answer"
# The kept connection; the kernel doubles what it is given.
ss -tmn state established "( dport = :$origin )" >"$work/ss.log"
grep -q 'rb40000,' "$work/ss.log" || fail "receive buffer"
grep -q 'tb60000,' "$work/ss.log" || fail "send buffer"
echo passed
