# Servers follow names and SRV records; a name server that changes its mind, lies, dies; what a reload keeps.
. "$(dirname "$0")/lib.sh"
need socat python3 curl
here=$(dirname "$0")

port=$(free_port)
origin=$(free_port)
zone() { cat >"$work/zone.new"; mv "$work/zone.new" "$work/zone"; }
zone <<EOF
app.test A 127.0.0.1
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
frontend three
    bind 127.0.0.3:$origin
    http-request return status 200 content-type text/plain string three
EOF
start "$weir" -db -f "$work/origin.cfg"

cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
    log stdout format raw local0
    dns-accept-family ipv4,ipv6
resolvers r
    nameserver n1 127.0.0.1:$(cat "$work/dns.port")
    timeout resolve 50ms
    timeout retry 200ms
    resolve_retries 2
    accepted_payload_size 4096
    hold nx 300ms
    hold other 60s
    hold refused 60s
    hold timeout 60s
    hold obsolete 0s
resolvers strict
    nameserver n1 127.0.0.1:$(cat "$work/dns.port")
    timeout resolve 50ms
    timeout retry 100ms
    resolve_retries 1
    hold timeout 100ms
    hold refused 100ms
    hold other 100ms
resolvers stream
    nameserver n1 tcp@127.0.0.1:$(cat "$work/dns.port")
    timeout resolve 50ms
defaults
    mode http
    log global
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    default-server init-addr none resolve-prefer ipv4
frontend fe
    bind 127.0.0.1:$port
    use_backend pair if { path /pair }
    use_backend service if { path /service }
    default_backend app
backend app
    server s1 app.test:$origin resolvers r
backend pair
    server s1 pair.test:$origin resolvers r
    server s2 pair.test:$origin resolvers r
backend same
    server s1 pair.test:$origin resolvers r resolve-opts allow-dup-ip
    server s2 pair.test:$origin resolvers r resolve-opts allow-dup-ip
backend net
    server s1 net.test:$origin resolvers r resolve-net 10.0.0.0/8,192.0.2.128/25
backend strict
    server s1 app.test:$origin resolvers strict
backend service
    server-template web 1-3 _http._tcp.service.test resolvers r
backend weights
    server-template web 5 _weights._tcp.service.test resolvers r
backend six
    server s1 six.test:$origin resolvers r
backend longer
    server s1 long.test:$origin resolvers r
    server s2 stream.test:$origin resolvers stream
EOF
"$weir" -c -q -f "$work/weir.cfg" || fail "refused"
"$weir" -db -f "$work/weir.cfg" >"$work/weir.log" 2>&1 &
pid=$!
started="$started $pid"
wait_port "$port"

state() { cli show servers state "$1" | awk -v s="$2" '$4 == s { print $5, $7 }'; }
wait_state() { # backend server "address admin"
    for _ in $(seq 100); do
        [ "$(state "$1" "$2")" = "$3" ] && return 0
        sleep 0.05
    done
    fail "$1/$2 is '$(state "$1" "$2")', not '$3'"
}
wait_log() {
    for _ in $(seq 100); do
        grep -qF -- "$1" "$work/weir.log" && return 0
        sleep 0.05
    done
    fail "never logged: $1"
}
stays() { # some rounds later it is still so
    for _ in 1 2 3 4 5 6; do
        [ "$(state "$1" "$2")" = "$3" ] || fail "$1/$2 became '$(state "$1" "$2")'"
        sleep 0.1
    done
}
get() { curl -s "http://127.0.0.1:$port$1"; }
wait_both() { # path, the two answers in either order
    local both
    for _ in $(seq 40); do
        both="$(get "$1") $(get "$1")"
        if [ "$both" = "$2 $3" ] || [ "$both" = "$3 $2" ]; then return 0; fi
        sleep 0.05
    done
    fail "$1: $both"
}

# An address appears, changes, is not there any more, comes back.
wait_state app s1 "127.0.0.1 0"
wait_log "app/s1 changed its IP from (none) to 127.0.0.1 by r/n1."
wait_log "Server app/s1 ('app.test') is UP/READY (resolves again)."
wait_log "Server app/s1 administratively READY thanks to valid DNS answer."
[ "$(get /)" = one ] || fail "not one"
zone <<EOF
app.test CNAME a1.test
a1.test CNAME a2.test
a2.test A 127.0.0.2
stream.test A 127.0.0.8
EOF
wait_state app s1 "127.0.0.2 0"
wait_log "app/s1 changed its IP from 127.0.0.1 to 127.0.0.2 by r/n1."
[ "$(get /)" = two ] || fail "not two"
wait_state longer s2 "127.0.0.8 0"

# Lies and silence leave the last good address, as the hold times of r say, while requests go on.
for mode in garbage wrongid wrongquestion short loop refused servfail noanswer silent; do
    printf 'app.test A 127.0.0.66\nmode %s\n' "$mode" | zone
    stays app s1 "127.0.0.2 0"
    [ "$(get /)" = two ] || fail "not two while the name server is $mode"
done
cli show stat app 4 -1 | grep -q '^app,s1,.*,no check,' || fail "show stat"
# In section strict they do not count for long.
wait_state strict s1 "- 32"
wait_log "Server strict/s1 is going DOWN for maintenance ("
cli show stat | grep -q '^strict,s1,.*,MAINT (resolution),' || fail "show stat of strict"
cli show resolvers r >"$work/counters.log"
for counter in cname cname_error any_err timeout refused other invalid; do
    grep -q "  $counter: *[1-9]" "$work/counters.log" || fail "counter $counter is 0"
done
cli show stat domain resolvers | grep -q '^n1,r,[1-9][0-9]*,0,' || fail "show stat domain resolvers"
cli show stat domain resolvers typed | grep -q '^N.0.id:CGP:str:n1$' || fail "typed"
cli show stat domain resolvers json |
    python3 -c 'import json, sys; assert json.load(sys.stdin)[0][2]["field"]["name"] == "sent"' || fail "json"

# No such name: out after 300 ms; and back.
printf 'mode nx\n' | zone
wait_state app s1 "- 32"
wait_log "Server app/s1 is going DOWN for maintenance (DNS NX status)."
curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/" | grep -q 503 || fail "not 503"
cli set server app/s1 state ready >/dev/null
[ "$(state app s1)" = "- 32" ] || fail "ready without an address"

# One address each; two of the same when that is allowed; networks; truncated answers; IPv6 when there is nothing else.
zone <<EOF
app.test A 127.0.0.1
pair.test A 127.0.0.1
net.test A 192.0.2.1
net.test A 192.0.2.200
six.test AAAA ::1
long.test A 127.0.0.9
mode long.test mute-udp
EOF
wait_state app s1 "127.0.0.1 0"
wait_state pair s1 "127.0.0.1 0"
wait_state pair s2 "- 32"
wait_state same s1 "127.0.0.1 0"
wait_state same s2 "127.0.0.1 0"
wait_state net s1 "192.0.2.200 0"
wait_state six s1 "::1 0"
[ "$(state longer s1)" = "- 32" ] || fail "who has answered?"
zone <<EOF
app.test A 127.0.0.1
pair.test A 127.0.0.1
pair.test A 127.0.0.2
net.test A 192.0.2.1
net.test A 10.1.2.3
long.test A 127.0.0.9
mode long.test truncated
EOF
wait_state pair s1 "127.0.0.1 0"
wait_state pair s2 "127.0.0.2 0"
wait_state net s1 "10.1.2.3 0"
wait_state longer s1 "127.0.0.9 0"
wait_both /pair one two

# Another name by hand.
cli set server app/s1 fqdn pair.test |
    grep -qF "app/s1 changed its FQDN from app.test to pair.test by 'stats socket command'" || fail "set server fqdn"
wait_log "app/s1 changed its FQDN from app.test to pair.test by 'stats socket command'"
wait_state app s1 "127.0.0.1 64"
cli set server app/s1 fqdn 'bad..name' | grep -q "could not update app/s1 FQDN" || fail "bad name"
cli set server service/web1 fqdn x.test | grep -q 'because SRV resolution is configured' || fail "fqdn of SRV"

# SRV: targets with and without additional records, weights, more and fewer of them.
zone <<EOF
pair.test A 127.0.0.1
pair.test A 127.0.0.2
_http._tcp.service.test SRV 0 256 $origin b.test
_http._tcp.service.test SRV 0 256 $origin c.test
extra b.test A 127.0.0.2
c.test A 127.0.0.3
_weights._tcp.service.test SRV 0 0 80 b.test
_weights._tcp.service.test SRV 0 255 81 b.test
_weights._tcp.service.test SRV 0 1000 82 b.test
_weights._tcp.service.test SRV 0 65535 83 b.test
EOF
wait_state service web1 "127.0.0.2 64"
wait_state service web2 "127.0.0.3 64"
wait_state service web3 "- 32"
wait_log "service/web1 changed its FQDN from (null) to b.test by 'SRV record'"
wait_log "service/web1 changed its IP from (none) to 127.0.0.2 by DNS additional record."
wait_log "service/web2 changed its IP from (none) to 127.0.0.3 by r/n1."
wait_both /service two three
cli show servers state service | grep -q " web1 127.0.0.2 .* b.test $origin _http._tcp.service.test " || fail "columns of SRV"
wait_state weights web4 "127.0.0.2 64"
[ "$(cli show servers state weights | awk '$4 == "web4" { print $19 }')" = 83 ] || fail "port of SRV"
weights=$(cli show servers state weights | awk '$4 ~ /web/ { printf "%s ", $8 }')
[ "$weights" = "0 1 4 256 1 " ] || fail "weights: $weights"
zone <<EOF
pair.test A 127.0.0.1
pair.test A 127.0.0.2
_http._tcp.service.test SRV 0 256 $origin c.test
_http._tcp.service.test SRV 0 256 $origin a.test
a.test A 127.0.0.1
c.test A 127.0.0.3
EOF
wait_log "Server service/web1 is going DOWN for maintenance (entry removed from SRV record)."
wait_state service web1 "127.0.0.1 64"
wait_state service web2 "127.0.0.3 64"
wait_both /service one three

# A reload leaves what was found; a server line that is new follows, one that has gone does not hurt.
printf 'mode silent\n' | zone
sed -i '/^backend weights/,/server-template/d' "$work/weir.cfg"
cat >>"$work/weir.cfg" <<EOF
backend new
    server n1 127.0.0.1:$origin
    server s1 new.test:$origin resolvers r
EOF
kill -HUP "$pid"
wait_cli ' new 2 s1 ' show servers state
[ "$(state service web1)" = "127.0.0.1 64" ] || fail "service/web1 after the reload"
[ "$(state app s1)" = "127.0.0.1 64" ] || fail "app/s1 after the reload"
[ "$(state pair s2)" = "127.0.0.2 0" ] || fail "pair/s2 after the reload"
zone <<EOF
new.test A 127.0.0.3
_http._tcp.service.test SRV 0 256 $origin c.test
_http._tcp.service.test SRV 0 256 $origin a.test
a.test A 127.0.0.1
c.test A 127.0.0.3
EOF
wait_state new s1 "127.0.0.3 0"

# Other resolvers: records that are still there keep their servers, others go.
zone <<EOF
_http._tcp.service.test SRV 0 256 $origin c.test
a.test A 127.0.0.1
c.test A 127.0.0.3
EOF
sed -i 's/\(server-template web 1-3 .* resolvers\) r/\1 strict/' "$work/weir.cfg"
kill -HUP "$pid"
wait_state service web1 "- 96"
wait_state service web2 "127.0.0.3 64"

# Bad lines.
refused() { # pattern line...
    local pattern=$1; shift
    printf '%s\n' "$@" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.log" 2>&1; then fail "accepted: $*"; fi
    grep -q -- "$pattern" "$work/bad.log" || fail "no '$pattern' for: $*"
}
refused "there is no section 'resolvers x'" 'backend b' 'server s a.test:80 init-addr none resolvers x'
refused "need 'resolvers" 'backend b' 'server s _a._tcp.test'
refused "no network" 'backend b' 'server s a.test:80 init-addr none resolve-net 10.0.0/8'
refused "unknown option 'x'" 'backend b' 'server s a.test:80 init-addr none resolve-opts x'
refused "stands already" 'resolvers r' 'nameserver a 127.0.0.1' 'nameserver a 127.0.0.2'
refused "stand already" 'resolvers r' 'nameserver a 127.0.0.1' 'resolvers r'
refused "neither a number" 'backend b' 'server-template s x 127.0.0.1:80'
refused "stands at" 'backend b' 'server s2 127.0.0.1:80' 'server-template s 3 127.0.0.1:80'
refused "out of range" 'resolvers r' 'accepted_payload_size 100'
echo passed
