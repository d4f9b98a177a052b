#!/bin/bash
# weir -c --lint finds what is legal and hardly meant; a clean file passes in silence.
. "$(dirname "$0")/lib.sh"
cat >"$work/bad.cfg" <<'EOF'
ruleset nobody
    http-request deny
defaults
    mode http
    timeout client 30
    timeout server 10s
    timeout connect 100s
frontend web
    bind 127.0.0.1:9080
    acl host_a hdr(host) -i a.example.com b.example.com
    acl host_b hdr(host) -i B.example.com c.example.com
    acl php path_reg \.php$
    acl unused path /x
    http-request deny if { path_beg / }
    http-request deny if { src 10.0.0.0/8 }
    http-request redirect location /y if { src 10.0.0.0/8 } { path /x }
    http-request deny if php !php
    use_backend a if host_a
    use_backend b if host_b
    use_backend b if { path_reg ^/api/ } host_a
    use_backend a
    default_backend b
backend a
    server s 127.0.0.1:1 check
    server s2 127.0.0.1:1
backend b
    option httpchk
    server s 127.0.0.1:1
    server t 127.0.0.1:1 ssl verify none
    server u 127.0.0.1:1 ssl verify required ca-file @system-ca
    server v 127.0.0.1:1 ssl verify required ca-file @system-ca verifyhost v.example.com
EOF
status=0
"$weir" -c --lint -f "$work/bad.cfg" >"$work/out" 2>&1 || status=$?
[ "$status" = 3 ] || fail "exit status $status: $(cat "$work/out")"
finds() { # LINE TEXT
    grep -qF "bad.cfg:$1: $2" "$work/out" || fail "not found at line $1: $2; in: $(cat "$work/out")"
}
finds 1 "no rule calls ruleset 'nobody' [unused-ruleset]"
finds 8 "'timeout client' of 'web' is 30 ms"
finds 8 "'web' has no 'timeout http-request'"
finds 12 "the regular expression '\\.php\$' is plain text"
grep -qF "write: path -m end .php" "$work/out" || fail "the fix of a regular expression"
finds 13 "no rule uses acl 'unused'"
finds 14 "'path_beg /' is always true"
finds 16 "'http-request redirect location /y if { src 10.0.0.0/8 } { path /x }' never runs"
finds 17 "'php !php' asks for something and its contrary"
finds 19 "'use_backend b if host_b' does not get 'B.example.com'"
finds 20 "'use_backend b if { path_reg ^/api/ } host_a' never decides"
finds 22 "'default_backend b' never decides"
finds 23 "'timeout connect' of 'a' is 100000 ms"
finds 25 "server 's2' is not checked"
finds 26 "'option httpchk' of 'b' is never used"
finds 29 "server 't' is not verified: whoever answers"
finds 30 "server 'u' is verified, but not its name"
if grep -qF "server 'v' is" "$work/out" && grep -F "server 'v' is" "$work/out" | grep -qF unverified; then fail "server v is verified by name"; fi
if grep -qF "nothing leads to" "$work/out"; then fail "both backends are used: $(cat "$work/out")"; fi
make_certs
for file in examples/*.cfg; do
    "$weir" -c --lint -f "$file" >"$work/out" 2>&1 || fail "$file: $(cat "$work/out")"
done
