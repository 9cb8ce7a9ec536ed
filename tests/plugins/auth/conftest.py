from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def front_folder() -> Iterator[Path]:
    """A folder for a server that does not run as root: pytest's own are for whoever runs the tests alone."""
    folder = Path(tempfile.mkdtemp(prefix="wwt-front-"))
    yield folder
    shutil.rmtree(folder)
