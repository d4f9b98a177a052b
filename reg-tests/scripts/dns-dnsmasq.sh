# dnsmasq's answers change, and dnsmasq dies and comes back, while traffic goes on: no request fails.
. "$(dirname "$0")/lib.sh"
need socat python3 curl dnsmasq

port=$(free_port)
origin=$(free_port)
dns=$(free_port)
mkdir "$work/hosts"
chmod 755 "$work/hosts"
cat >"$work/origin.cfg" <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 5s
frontend one
    bind 127.0.0.1:$origin
    http-request return status 200 content-type text/plain string one
frontend two
    bind 127.0.0.2:$origin
    http-request return status 200 content-type text/plain string two
EOF
start "$weir" -db -f "$work/origin.cfg"
wait_port "$origin"

start_dnsmasq() { # more options
    dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --port="$dns" --listen-address=127.0.0.1 \
        --bind-interfaces --hostsdir="$work/hosts" --user="$(id -un)" --pid-file= --local=/test/ "$@" >>"$work/dnsmasq.log" 2>&1 &
    dnsmasq=$!
    started="$started $dnsmasq"
    wait_port "$dns"
}
say() { printf '%s\n' "$1" >"$work/hosts/all"; kill -HUP "$dnsmasq"; }
printf '127.0.0.1 app.test\n127.0.0.1 a.test\n127.0.0.2 b.test\n' >"$work/hosts/all"
start_dnsmasq --srv-host="_web._tcp.test,a.test,$origin,0,256"

cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
resolvers r
    nameserver n1 127.0.0.1:$dns
    timeout resolve 100ms
    timeout retry 200ms
    hold nx 60s
    hold other 60s
    hold refused 60s
    hold timeout 60s
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    retries 3
    default-server init-addr none resolvers r resolve-prefer ipv4
frontend fe
    bind 127.0.0.1:$port
    use_backend service if { path /service }
    default_backend app
backend app
    server s1 app.test:$origin
backend service
    server-template web 4 _web._tcp.test
EOF
start "$weir" -db -f "$work/weir.cfg"
wait_port "$port"
addr_of() { cli show servers state "$1" | awk -v s="$2" '$4 == s { print $5 }'; }
wait_addr() { # backend server address
    for _ in $(seq 200); do
        [ "$(addr_of "$1" "$2")" = "$3" ] && return 0
        sleep 0.05
    done
    fail "$1/$2 is '$(addr_of "$1" "$2")', not '$3'"
}
wait_addr app s1 127.0.0.1
wait_addr service web1 127.0.0.1

# Requests without end, one after the other.
(while [ ! -e "$work/over" ]; do
    curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/" "http://127.0.0.1:$port/service" -o /dev/null
done) >"$work/codes" 2>/dev/null &
load=$!
started="$started $load"

say '127.0.0.2 app.test
127.0.0.1 a.test
127.0.0.2 b.test'
wait_addr app s1 127.0.0.2
[ "$(curl -s "http://127.0.0.1:$port/")" = two ] || fail "not two"
# The name server dies: all stays. It comes back with other answers.
kill "$dnsmasq"
wait "$dnsmasq" 2>/dev/null || true
sleep 1
[ "$(addr_of app s1)" = 127.0.0.2 ] || fail "lost the address"
[ "$(addr_of service web1)" = 127.0.0.1 ] || fail "lost the service"
printf '127.0.0.1 app.test\n127.0.0.1 a.test\n127.0.0.2 b.test\n' >"$work/hosts/all"
start_dnsmasq --srv-host="_web._tcp.test,b.test,$origin,0,256" --srv-host="_web._tcp.test,a.test,$origin,0,512"
wait_addr app s1 127.0.0.1
wait_addr service web2 127.0.0.2
[ "$(cli show servers state service | awk '$4 == "web1" { print $8 }')" = 2 ] || fail "weight"
# It says that there is nothing: within the hold times nobody cares.
say ''
sleep 1
[ "$(addr_of app s1)" = 127.0.0.1 ] || fail "app/s1 lost its address"

touch "$work/over"
wait "$load" || true
[ "$(wc -l <"$work/codes")" -gt 50 ] || fail "hardly any request"
[ "$(sort -u "$work/codes")" = 200 ] || fail "requests failed: $(sort "$work/codes" | uniq -c)"
echo "passed, $(wc -l <"$work/codes") requests"
