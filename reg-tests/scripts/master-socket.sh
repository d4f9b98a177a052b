# -S: the master's runtime socket: processes, reload with an answer, mistakes.
. "$(dirname "$0")/lib.sh"
need socat

port=$(free_port)
config() { # status
    cat >"$work/weir.cfg" <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:$port
    http-request deny if { str(x),map(virt@m) -m found }
    http-request return status $1
EOF
}
ask() { printf '%s\n' "$*" | socat -t 10 - "UNIX-CONNECT:$work/master.sock"; }
answers() { printf 'GET / HTTP/1.0\r\n\r\n' | socat -t5 - "TCP:127.0.0.1:$port" | grep -q "^HTTP/1.[01] $1"; }

config 200
"$weir" -f "$work/weir.cfg" -S "$work/master.sock" >"$work/wrong.log" 2>&1 && fail "-S without -W is accepted"
grep -q "needs '-W'" "$work/wrong.log" || fail "-S without -W: no reason"
"$weir" -W -f "$work/weir.cfg" -S "$work/master.sock,colour,red" >"$work/wrong.log" 2>&1 && fail "-S with a wrong word is accepted"
grep -q "'colour' is not known" "$work/wrong.log" || fail "-S with a wrong word: no reason"

start "$weir" -W -f "$work/weir.cfg" -S "$work/master.sock,mode,660,level,admin"
master=$last
wait_port "$port"
[ "$(stat -c %a "$work/master.sock")" = 660 ] || fail "mode of the socket"
ask "show proc" >"$work/proc"
head -n 1 "$work/proc" | grep -q '^#<PID>          <type>          <reloads>       <uptime>        <version>' || fail "header of show proc"
grep -Eq "^$master +master +0 \[failed: 0\] +0d00h00m[0-9]{2}s +3\.5" "$work/proc" || fail "show proc: no master"
sed -n '/^# workers/,$p' "$work/proc" | grep -Eq '^[0-9]+ +worker +0 +0d00h' || fail "show proc: no worker"
[ -z "$(tail -n 1 "$work/proc")" ] || fail "show proc: no empty line at the end"
worker=$(awk '$2 == "worker" { print $1 }' "$work/proc")
[ "$(ps -o ppid= -p "$worker" | tr -d ' ')" = "$master" ] || fail "the worker is no child of the master"

[ "$(id -u)" != 0 ] || grep -q '^CapEff:.*0000000020$' "/proc/$master/status" || fail "the master keeps rights: $(grep CapEff "/proc/$master/status")"
grep -q '^NoNewPrivs:.*1' "/proc/$master/status" || fail "the master may gain rights"

config 204
[ "$(ask reload | head -n 1)" = "Success=1" ] || fail "reload: no success"
answers 204 || fail "the new configuration does not serve"
echo "wrong" >>"$work/weir.cfg"
[ "$(ask reload | head -n 1)" = "Success=0" ] || fail "a reload that must fail"
answers 204 || fail "the old configuration does not go on"
ask "show proc" | grep -Eq "^$master +master +2 \[failed: 1\]" || fail "reloads are not counted"
[ "$(ask "show proc; show version" | grep -c '^3\.5')" = 1 ] || fail "two commands in a line"
ask help | grep -q 'show proc' || fail help
ask "show stat" | grep -q 'Unknown command' || fail "unknown command"

# The worker runs what is meant for it.
ask "@1 show stat" | grep -q '^fe,FRONTEND,' || fail "@1 show stat"
ask "@!$worker show info" | grep -q "^Pid: $worker" || fail "@!<pid>"
[ "$(ask '@1 show version; show version; @master show version' | grep -c '^3\.5')" = 3 ] || fail "targets in one line"
[ "$(ask '@2 show version; show version')" = "Can't find the target PID matching the prefix '@2'" ] || fail "@2"
ask "show startup-logs" | grep -q "weir version" || fail "show startup-logs"
ask "@1 show cli sockets" | grep -q '^sockpair@.* admin all' || fail "the socket of the master"
printf 'prompt\n@1\nshow version\n@master\nquit\n' | socat -t5 - "UNIX-CONNECT:$work/master.sock" | grep -q "^$worker> master> " || fail "prompts"
# A payload, longer than any buffer on its way.
{ printf '@1 add map virt@m <<END\n'; seq 1 5000 | sed 's/.*/key-& value-&/'; printf 'END\n'; } |
    socat -t10 - "UNIX-CONNECT:$work/master.sock" >"$work/added"
[ "$(ask '@1 show map virt@m' | grep -c ' key-')" = 5000 ] || fail "payload: $(head -n 2 "$work/added")"
# Who takes an answer slowly gets all of it, and others do not wait for him.
{ printf '@1 show map virt@m\n' | socat -t10 - "UNIX-CONNECT:$work/master.sock" | { sleep 1; grep -c ' key-' >"$work/slow"; }; } &
slow=$!
ask "show proc" | grep -q master || fail "a slow client stops others"
wait "$slow"
[ "$(cat "$work/slow")" = 5000 ] || fail "a slow client lost answers: $(cat "$work/slow")"
[ -z "$(ask quit)" ] || fail quit
[ "$(printf 'prompt\nshow version\nquit\n' | socat -t5 - "UNIX-CONNECT:$work/master.sock" | grep -c '^master> ')" -ge 1 ] || fail prompt

kill "$master"
wait "$master" 2>/dev/null || true
[ ! -e "$work/master.sock" ] || fail "the socket file stays"
echo passed
