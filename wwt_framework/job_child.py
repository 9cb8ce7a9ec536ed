"""``python -m wwt_framework.job_child PARENT COMMAND ...``: ``wwt COMMAND ...`` that ends when its parent does.

It leaves the processor to whoever makes pages.
Standard output carries what it came to and nothing else; what plugins print goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
#: How far it stands back: where processors are few, somebody who waits for a page comes first.
_NICE = 10


def end_with(parent: int) -> None:
    """Have the system end this process when *parent*, which started it, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we could ask for that
        sys.exit(f"the process {parent} that started this one is gone")


def main() -> None:
    """Run the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with(parent)
    os.nice(_NICE)
    report = os.dup(1)
    os.dup2(2, 1)
    from wwt_framework import cli

    sys.argv = ["wwt", *command, f"--report={report}"]
    cli.main()


if __name__ == "__main__":
    main()
