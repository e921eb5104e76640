"""`python -m tests.fuzz TARGET [libFuzzer options]`."""

import sys

from tests.fuzz.running import run, targets

if len(sys.argv) < 2 or sys.argv[1] not in targets():
    sys.exit(f"usage: python -m tests.fuzz TARGET [libFuzzer options]; targets: {', '.join(targets())}")
run(sys.argv[1], sys.argv[2:])
