#!/bin/bash
# A corpus of rules gives the same answers and log lines as haproxy 2.6.
. "$(dirname "$0")/lib.sh"
need haproxy python3
haproxy -v | grep -q "version 2\.6\." || skip "another haproxy than 2.6"
scripts/compare-rules "$weir" >"$work/out" 2>&1 || fail "$(tail -n 60 "$work/out")"
