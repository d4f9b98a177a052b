#!/bin/bash
# Each example of the manual (doc/configuration/examples) does what it says there.
. "$(dirname "$0")/lib.sh"
need python3
python3 reg-tests/scripts/manual_examples.py "$weir" "$work" || fail "examples of the manual"
