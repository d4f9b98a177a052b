# do-resolve: names that requests say are looked up while they wait, and traffic goes to what was found.
. "$(dirname "$0")/lib.sh"
need socat python3 curl
here=$(dirname "$0")

port=$(free_port)
tcp=$(free_port)
origin=$(free_port)
zone() { cat >"$work/zone.new"; mv "$work/zone.new" "$work/zone"; }
zone <<EOF
log $work/questions
one.test A 127.0.0.1
two.test CNAME alias.test
alias.test A 127.0.0.2
slow.test A 127.0.0.2
six.test AAAA ::1
mode slow.test slow
mode silent.test silent
mode refused.test refused
EOF
start python3 "$here/dns_server.py" "$work/zone" "$work/dns.port"
for _ in $(seq 100); do [ -s "$work/dns.port" ] && break; sleep 0.05; done
[ -s "$work/dns.port" ] || fail "no name server"

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

cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
    dns-accept-family ipv4,ipv6
resolvers r
    nameserver n1 127.0.0.1:$(cat "$work/dns.port")
    timeout retry 1500ms
    resolve_retries 2
    hold valid 60s
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend fe
    bind 127.0.0.1:$port
    http-request do-resolve(txn.addr,r,ipv4) hdr(host),host_only
    http-request return status 200 content-type text/plain lf-string %[var(txn.addr)] if { path /show }
    http-request return status 503 content-type text/plain string "no address" unless { var(txn.addr) -m found }
    default_backend be
backend be
    http-request set-dst var(txn.addr)
    http-request set-dst-port int($origin)
    server clear 0.0.0.0:0
listen tcp
    bind 127.0.0.1:$tcp
    mode tcp
    tcp-request inspect-delay 5s
    tcp-request content do-resolve(sess.addr,r,ipv4) str(two.test)
    tcp-request content set-dst var(sess.addr)
    tcp-request content set-dst-port int($origin)
    server clear 0.0.0.0:0
EOF
start "$weir" -db -f "$work/weir.cfg"
wait_port "$port"
wait_port "$origin"
get() { curl -s -m 8 -H "Host: $1" "http://127.0.0.1:$port${2:-/}"; }
expect() { # host text [path]
    local got
    got=$(get "$1" "${3:-/}")
    [ "$got" = "$2" ] || fail "$1: '$got', not '$2'"
}

expect one.test one
expect one.test:8080 one
expect ONE.test one
expect two.test two
expect one.test 127.0.0.1 /show
expect two.test 127.0.0.2 /show
expect six.test ::1 /show
expect nobody.test "no address"
expect silent.test "no address"
expect refused.test "no address"
expect 127.0.0.1 "no address"
expect a..test "no address"
[ "$(curl -s -m 8 "http://127.0.0.1:$tcp/")" = two ] || fail "tcp"
# Each name was asked for once: "hold valid".
[ "$(grep -ci ' one.test A$' "$work/questions")" = 1 ] || fail "one.test was asked for again"
[ "$(grep -c ' two.test A$' "$work/questions")" = 1 ] || fail "two.test was asked for again"
# Many that wait for one name: one question; a client that leaves meanwhile hurts nobody.
clients=
for i in 1 2 3 4 5 6 7 8; do
    get slow.test >"$work/slow.$i" &
    clients="$clients $!"
done
curl -s -m 0.1 -H "Host: slow.test" "http://127.0.0.1:$port/" >/dev/null || true
for pid in $clients; do wait "$pid"; done
for i in 1 2 3 4 5 6 7 8; do [ "$(cat "$work/slow.$i")" = two ] || fail "client $i: $(cat "$work/slow.$i")"; done
[ "$(grep -c ' slow.test A$' "$work/questions")" = 1 ] || fail "$(grep -c slow.test "$work/questions") questions for slow.test"

# -4: nobody asks for IPv6 addresses.
other=$(free_port)
sed "s/127.0.0.1:$port/127.0.0.1:$other/; s/127.0.0.1:$tcp/127.0.0.1:$(free_port)/; s|weir.sock|other.sock|" "$work/weir.cfg" >"$work/four.cfg"
: >"$work/questions"
start "$weir" -4 -db -f "$work/four.cfg"
wait_port "$other"
[ "$(curl -s -m 8 -H "Host: six.test" "http://127.0.0.1:$other/")" = "no address" ] || fail "-4"
[ "$(curl -s -m 8 -H "Host: one.test" "http://127.0.0.1:$other/")" = one ] || fail "-4: no IPv4"
grep -q AAAA "$work/questions" && fail "-4 asks for IPv6"

refused() { # pattern rule
    printf 'resolvers r\n    nameserver n 127.0.0.1\nlisten l\n    mode http\n    bind 127.0.0.1:%s\n    http-request %s\n' \
        "$port" "$2" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.log" 2>&1; then fail "accepted: $2"; fi
    grep -q -- "$1" "$work/bad.log" || fail "no '$1' for: $2"
}
refused "no section 'resolvers x'" 'do-resolve(txn.a,x) str(a)'
refused "resolvers section is missing" 'do-resolve(txn.a) str(a)'
refused "neither ipv4 nor ipv6" 'do-resolve(txn.a,r,ipv5) str(a)'
refused "arguments are missing" 'do-resolve str(a)'
echo passed
