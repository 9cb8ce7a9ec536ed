"""Who has the shell."""

from __future__ import annotations

import getpass
import socket


def who_runs() -> str:
    """Who runs this program, as the audit names them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no name for this number, in a container for example
        name = "somebody"
    return f"{name}@{socket.gethostname()} (shell)"
