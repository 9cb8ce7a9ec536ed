"""Servers that are quick to start: a process that has imported everything forks one for each line it reads.

``python -m tests.drills.nursery PLUGINS_YML``; answers each line with the process id and the address, apart by a blank.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from wwt_framework import running
from wwt_framework.web import server, wsgi  # noqa: F401  # so that a child does not wait for it


def main() -> None:
    path = Path(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that are killed leave nothing behind
    for _ in sys.stdin:
        if os.fork() == 0:
            os.setpgid(0, 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            running.serve(path, 0, jobs=False, opened=_say)
            os._exit(0)


def _say(address: str) -> None:
    sys.stdout.write(f"{os.getpid()} {address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
