#!/usr/bin/env bash
# The doors of pam.sh, on the stacks of our authselect profile.
STACK=authselect exec "$SRC/tests/system/pam.sh"
