from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.auth.auth_house import AuthHouse
from wwt_framework.options import MailOptions

MAIL = MailOptions(server="127.0.0.1:25", security="none", sender="wwt@example.org")


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., AuthHouse]]:
    """``make_house(mail=None)``: an installation without plugins yet."""
    made: list[AuthHouse] = []

    def make(mail: MailOptions | None = MAIL, **others: object) -> AuthHouse:
        made.append(AuthHouse(tmp_path, mail, dict(others)))
        return made[-1]

    yield make
    for house in made:
        house.close()


@pytest.fixture(scope="module")
def front_folder() -> Iterator[Path]:
    """A folder for a server that does not run as root: pytest's own are for whoever runs the tests alone."""
    folder = Path(tempfile.mkdtemp(prefix="wwt-front-"))
    yield folder
    shutil.rmtree(folder)
