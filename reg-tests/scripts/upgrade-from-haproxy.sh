# A running haproxy is replaced by weir, weir by weir and by haproxy again, without a failed request.
. "$(dirname "$0")/lib.sh"
need haproxy socat python3
"$(dirname "$0")/../../scripts/upgrade-from-haproxy" "$weir" 1 2>"$work/upgrade.log" || { cat "$work/upgrade.log"; fail "see above"; }
