"""The store on every database it can live in."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wwt_framework.store import Store, open_store

if TYPE_CHECKING:
    import psycopg

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _unprivileged() -> dict[str, str]:
    """PostgreSQL does not run as root."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in names else "nobody"}


@pytest.fixture(scope="session")
def postgresql(component: Callable[[str], str]) -> Iterator[Callable[[], str]]:
    """A real server on a socket in a folder of its own; call it for the address of an empty database."""
    import psycopg

    programs = Path(component("postgresql")).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="wwt-pg-"))  # a socket's path has to be short
    who = _unprivileged()
    if who:
        shutil.chown(folder, who["user"])

    def run(program: str, *arguments: str) -> None:
        # The server inherits what it writes to: a pipe here would be waited for until it ends.
        with (folder / f"{program}.log").open("a") as log:
            subprocess.run(
                [programs / program, "-D", folder / "data", *arguments],
                check=True,
                stdout=log,
                stderr=log,
                cwd=folder,
                **who,
            )

    run("initdb", "-A", "trust", "-U", "wwt", "-E", "UTF8", "--locale=C", "--no-sync")
    run("pg_ctl", "start", "-w", "-o", f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60")
    try:
        with psycopg.connect(f"host={folder} user=wwt dbname=postgres", autocommit=True) as admin:
            yield _databases(admin, folder)
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")
    shutil.rmtree(folder, ignore_errors=True)


def _databases(admin: psycopg.Connection[Any], folder: Path) -> Callable[[], str]:
    number = itertools.count()

    def database() -> str:
        name = f"wwt{next(number)}"
        admin.execute(f"create database {name}")
        return f"psycopg3+pool://wwt@/{name}?host={folder}"

    return database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'wwt.db'}"
    return request.getfixturevalue("postgresql")()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    """An open store, one on each kind of database."""
    opened = open_store(url, clock)
    yield opened
    opened.close()
