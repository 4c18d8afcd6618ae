"""`python -m taskstore.clearml SCRIPT ARGS…` or `-m MODULE ARGS…`: a program whose `import clearml` gives this."""

from __future__ import annotations

import sys

from ..run import child

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help") or sys.argv[1:] == ["-m"]:
        sys.stderr.write("usage: python -m taskstore.clearml SCRIPT ARGS... | -m MODULE ARGS...\n")
        raise SystemExit(2)
    sys.argv[1:1] = ["--alias=clearml=taskstore.clearml", "--"]
    child.main()
