#!/bin/bash
# scripts/rolling-deploy: servers are drained, stopped, started and readied under load, and no request fails.
. "$(dirname "$0")/lib.sh"
need nginx wrk curl python3
WEIR=$weir scripts/rolling-deploy 1 >"$work/out.log" 2>&1 || fail "a request has failed"
grep -q "no request has failed" "$work/out.log" || fail "it did not finish"
