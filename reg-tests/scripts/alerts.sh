# Servers change their state: mails (email-alert) and webhooks (server-event).
. "$(dirname "$0")/lib.sh"
need socat python3 openssl
here=$(dirname "$0")

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/key" -out "$work/crt" 2>/dev/null
cat "$work/crt" "$work/key" >"$work/pem"
begin() { # name program args...: stdout goes to name.out
    local name=$1
    shift
    python3 "$@" >"$work/$name.out" &
    started="$started $!"
    for _ in $(seq 100); do [ -s "$work/$name.port" ] && return; sleep 0.05; done
    fail "$name does not start"
}
cat >"$work/told" <<EOF2
#!/bin/sh
echo "\$WEIR_PROXY \$WEIR_SERVER \$WEIR_OLD_STATE \$WEIR_NEW_STATE \$WEIR_CHANGES \$# \${HOME-none}" >>$work/told.out
echo "\$WEIR_EVENT" >>$work/told.json
EOF2
chmod +x "$work/told"
begin mail1 "$here/smtp_server.py" "$work/mail1.port"
begin mail2 "$here/smtp_server.py" "$work/mail2.port" 1
begin hook "$here/hook_server.py" "$work/hook.port" 1
begin safe "$here/hook_server.py" "$work/safe.port" 0 "$work/pem"

cat >"$work/weir.cfg" <<EOF
global
    stats socket $work/weir.sock mode 600 level admin
mailers mta
    timeout mail 3s
    mailer m1 127.0.0.1:$(cat "$work/mail1.port")
    mailer m2 127.0.0.1:$(cat "$work/mail2.port")
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$(free_port)
    default_backend b
backend b
    email-alert mailers mta
    email-alert from weir@example.com
    email-alert to ops@example.com
    email-alert level notice
    email-alert myhostname lb1
    server-event webhook http://127.0.0.1:$(cat "$work/hook.port")/x?y=1 hold 500ms header authorization "Bearer t"
    server s1 127.0.0.1:1
    server s2 127.0.0.1:2
backend d
    server-event command $work/told hold 0
    server s1 127.0.0.1:1
backend c
    email-alert mailers mta
    email-alert from weir@example.com
    email-alert to ops@example.com
    server-event webhook https://localhost:$(cat "$work/safe.port") hold 0 ca-file $work/crt
    server s1 127.0.0.1:1
EOF
"$weir" -c -q -f "$work/weir.cfg" || fail "refused"
start "$weir" -db -f "$work/weir.cfg"
for _ in $(seq 100); do [ -S "$work/weir.sock" ] && break; sleep 0.05; done

wait_for() { # count pattern name
    for _ in $(seq 160); do
        [ "$(grep -c -- "$2" "$work/$3.out")" -ge "$1" ] && return 0
        sleep 0.05
    done
    cat "$work/$3.out"
    fail "$3 was not told '$2' $1 times"
}
# Drain is mailed; maintenance and its end are not, as with HAProxy.
cli set server b/s1 state drain >/dev/null
wait_for 1 "^  .$" mail1
diff - "$work/mail1.out" <<EOF || fail "another mail"
> HELO lb1
> MAIL FROM:<weir@example.com>
> RCPT TO:<ops@example.com>
> DATA
  From: weir@example.com
  To: ops@example.com
$(grep '^  Date: ...*, .* +0000 (UTC)$' "$work/mail1.out")
  Subject: [HAProxy Alert] Server b/s1 enters drain state. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue
  
  Server b/s1 enters drain state. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue
  
  .
> QUIT
EOF
# One mailer refuses at first: it is tried again.
wait_for 2 "HELO lb1" mail2
wait_for 1 "^  .$" mail2
# A server that flaps within the hold time: told at once, and once more.
cli set server b/s1 state maint >/dev/null
cli set server b/s1 state ready >/dev/null
cli set server b/s1 state drain >/dev/null
cli set server b/s1 state ready >/dev/null
wait_for 3 '^204 /x?y=1 Bearer t application/json .*"server": "s1"' hook
grep -q '^503 .*"old_state": "up", "new_state": "drain".*"changes": 1' "$work/hook.out" || fail "first event"
grep -q '^204 .*"proxy": "b".*"old_state": "drain", "new_state": "maint".*"changes": 1' "$work/hook.out" || fail "second event"
grep -q '^204 .*"proxy": "b".*"old_state": "maint", "new_state": "up".*"changes": 3' "$work/hook.out" || fail "third event"
# Over TLS; each change is told. Level alert, the default: no mail when a server leaves for maintenance.
cli set server c/s1 state maint >/dev/null
cli set server c/s1 state ready >/dev/null
wait_for 2 '^204 / None' safe
grep -q '"old_state": "up", "new_state": "maint", "reason": null' "$work/safe.out" || fail "event over TLS"
grep -q 'c/s1' "$work/mail1.out" && fail "a mail too many"

# A program is run, one at a time, with nothing of ours in its environment.
cli set server d/s1 state drain >/dev/null
cli set server d/s1 state ready >/dev/null
wait_for 2 '^d s1 ' told
diff - "$work/told.out" <<EOF || fail "the program was told otherwise"
d s1 up drain 1 0 none
d s1 drain up 1 0 none
EOF
python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <"$work/told.json" || fail "no JSON"

refused() { # pattern line...
    local pattern=$1; shift
    printf '%s\n' "$@" >"$work/bad.cfg"
    if "$weir" -c -f "$work/bad.cfg" >"$work/bad.log" 2>&1; then fail "accepted: $*"; fi
    grep -q -- "$pattern" "$work/bad.log" || fail "no '$pattern' for: $*"
}
refused "there is no section 'mailers x'" 'backend b' 'email-alert mailers x' 'email-alert from a' 'email-alert to b'
refused "needs 'email-alert from'" 'mailers x' 'mailer m 127.0.0.1:25' 'backend b' 'email-alert mailers x'
refused "needs 'email-alert mailers'" 'backend b' 'email-alert from a'
refused "no log level" 'backend b' 'email-alert level loud'
refused "stand already" 'mailers x' 'mailer m 127.0.0.1:25' 'mailers x'
refused "is no URL" 'backend b' 'server-event webhook ftp://x/'
refused "has no port" 'backend b' 'server-event webhook http://127.0.0.1:x/'
refused "should begin with '/'" 'backend b' 'server-event command x'
refused "no header field" 'backend b' 'server-event webhook http://127.0.0.1/ header "a b" c'
echo passed
