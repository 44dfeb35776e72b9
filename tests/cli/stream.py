#!/usr/bin/env python3
"""Give a command a stream of CSV and tell its largest resident set, in KiB.

usage: stream.py ROWS COMMAND...
"""

from __future__ import annotations

import resource
import subprocess
import sys

A_BLOCK = 20_000


def main() -> int:
    """Write the rows as fast as the command takes them; its exit status."""
    total = int(sys.argv[1])
    with subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        child.stdin.write(b"id,name,note\n")
        for first in range(0, total, A_BLOCK):
            rows = range(first, min(first + A_BLOCK, total))
            child.stdin.write(
                b"".join(b'%d,name,"%b, ""%d"""\n' % (i, b"x" * 170, i) for i in rows)
            )
        child.stdin.close()
        status = child.wait()
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return status


if __name__ == "__main__":
    sys.exit(main())
