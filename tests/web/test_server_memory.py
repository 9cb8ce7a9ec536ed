"""What the server asks of the C library."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

#: Sixteen threads that ask for memory at once; then the C library tells of its pools, on standard error.
THREADS = """
import ctypes, threading
from wwt_framework.web.server import few_pools
{first}
meet = threading.Barrier(16)
def ask():
    meet.wait()
    kept = [bytes(2000 + i) for i in range(50)]
    meet.wait()
threads = [threading.Thread(target=ask) for _ in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
ctypes.CDLL(None).malloc_stats()
"""


def pools(first: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(first=first)], capture_output=True, text=True, check=True
    )
    return done.stderr.count("Arena ")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="not the C library that has such pools")
def test_threads_of_the_server_share_two_pools_of_memory() -> None:
    assert pools("few_pools()") <= 2 < pools("")
