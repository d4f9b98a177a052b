#!/bin/bash
# .include: files, patterns, folders, relative paths, positions in messages, cycles; reload reads them again.
. "$(dirname "$0")/lib.sh"
need curl socat
port=$(free_port)
mkdir -p "$work/conf/sites" "$work/conf/empty" "$work/conf/more"
cat >"$work/conf/main.cfg" <<EOF
global
    stats socket $work/weir.sock level admin
.include common.inc
.include "sites/*.cfg"
.include empty/*.cfg
.include more
.if defined(NEVER)
.include missing.cfg
.endif
EOF
cat >"$work/conf/common.inc" <<EOF
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
EOF
cat >"$work/conf/sites/a.cfg" <<EOF
frontend a
    bind 127.0.0.1:$port
    .include ../rules.inc
EOF
echo '    http-request return status 200 content-type text/plain string one' >"$work/conf/rules.inc"
printf 'backend b\n    server s 127.0.0.1:1\n' >"$work/conf/more/b.cfg"
"$weir" -c -f "$work/conf/main.cfg" || fail "refused"
start "$weir" -f "$work/conf/main.cfg"
pid=$last
wait_port "$port"
[ "$(curl -s "http://127.0.0.1:$port/")" = one ] || fail "rules of an included file"
sed -i 's/one/two/' "$work/conf/rules.inc"
kill -HUP "$pid"
for _ in $(seq 100); do
    [ "$(curl -s "http://127.0.0.1:$port/")" = two ] && break
    sleep 0.05
done
[ "$(curl -s "http://127.0.0.1:$port/")" = two ] || fail "a reload reads included files again"
refused() { # WHAT THE MESSAGE SAYS
    "$weir" -c -f "$work/conf/main.cfg" >"$work/out" 2>&1 && fail "not refused: $1"
    grep -qF "$1" "$work/out" || fail "'$1' is missing in: $(cat "$work/out")"
}
echo '    http-request retrun' >>"$work/conf/rules.inc"
refused "parsing [$work/conf/sites/../rules.inc:2] : "
sed -i 2d "$work/conf/rules.inc"
echo '.include main.cfg' >>"$work/conf/common.inc"
refused "[$work/conf/common.inc:6] : '$work/conf/main.cfg' includes itself in the end"
sed -i 6d "$work/conf/common.inc"
echo '.include nothing.cfg' >>"$work/conf/common.inc"
refused "[$work/conf/common.inc:6] : cannot open '$work/conf/nothing.cfg'"
sed -i '6s/.*/.include/' "$work/conf/common.inc"
refused "[$work/conf/common.inc:6] : "
sed -i '6s/.*/.include \/dev\/zero/' "$work/conf/common.inc"
refused "'/dev/zero' is no regular file"
