"""The last good data of every source: what stands in when a source does not answer.

One folder per source under ``data_dir/sources``, one file per hook. A file is replaced whole or not at all;
one that can not be read any more is as good as none.
Nothing here is pickled: columns are npz, words are JSON.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import numpy as np
import orjson
from pydantic import ValidationError

from wwt_framework.services.cells import Cells
from wwt_framework.services.intake import adapter
from wwt_framework.services.merge import SourceErrors

ItemT = TypeVar("ItemT")
log = logging.getLogger(__name__)

#: Another layout of the files is another suffix: files of an older program are not misread.
_LAYOUT = "v1"


@dataclass(frozen=True)
class Whole(Generic[ItemT]):
    """One answer to a question without arguments."""

    at: datetime
    items: tuple[ItemT, ...]


class Shelf:
    """What is kept of one source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hooks(self) -> set[str]:
        """The hooks of which something is kept."""
        return {path.name.split(".")[0] for path in self.folder.glob(f"*.{_LAYOUT}.*")}

    def drop(self, hook: str) -> None:
        """Forget what is kept of *hook*."""
        for path in self.folder.glob(f"{hook}.{_LAYOUT}.*"):
            path.unlink()

    # -- answers to questions without arguments --

    def put_whole(self, hook: str, at: datetime, json: bytes) -> None:
        """Keep the JSON array *json*."""
        with self._replacing(f"{hook}.{_LAYOUT}.json") as file:
            file.write(b'{"at":%d,"items":%s}' % (int(at.timestamp()), json))

    def whole(self, hook: str, kind: type[ItemT]) -> Whole[ItemT] | None:
        """The answer kept; None when there is none."""
        path = self.folder / f"{hook}.{_LAYOUT}.json"
        try:
            told = orjson.loads(path.read_bytes())
            return Whole(_time(told["at"]), adapter(kind).validate_python(told["items"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as err:
            _lost(path, err)
            return None

    # -- answers by workflow or prep id: one line each, key, tab, JSON --

    def lines(self, hook: str) -> dict[str, bytes]:
        """Key -> line, of all that is kept."""
        path = self.folder / f"{hook}.{_LAYOUT}.lines"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as err:
            _lost(path, err)
            return {}
        # A file without its end is one that the system lost in a crash; whole lines of it are still good.
        return {line.partition(b"\t")[0].decode("utf-8", "replace"): line for line in data.split(b"\n")[:-1]}

    @contextmanager
    def writing_lines(self, hook: str) -> Iterator[IO[bytes]]:
        """A file to write the new lines into; it takes the old one's place when the block ends well."""
        with self._replacing(f"{hook}.{_LAYOUT}.lines") as file:
            yield file

    # -- columns --

    def put_errors(self, hook: str, word: SourceErrors) -> None:
        """Keep the word on errors."""
        cells = word.cells
        words = orjson.dumps([word.workflows, cells.tasks, cells.sites, dict(word.notes)])
        with self._replacing(f"{hook}.{_LAYOUT}.npz") as file:
            np.savez(
                file, words=np.frombuffer(words, np.uint8), at=word.at, flags=word.flags, codes=cells.codes,
                task=cells.task, code=_narrow(cells.code), site=_narrow(cells.site), count=_narrow(cells.count),
            )  # fmt: skip

    def errors(self, hook: str) -> SourceErrors | None:
        """The word kept; None when there is none."""
        path = self.folder / f"{hook}.{_LAYOUT}.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                columns = {name: kept[name] for name in kept.files}
            return _word(columns)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as err:
            _lost(path, err)
            return None

    @contextmanager
    def _replacing(self, name: str) -> Iterator[IO[bytes]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        new = path.with_name(f"{name}.new")
        try:
            with new.open("wb", buffering=io.DEFAULT_BUFFER_SIZE * 16) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def _narrow(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """*column*, which has no negative numbers, in the smallest type that holds it."""
    return column.astype(np.min_scalar_type(int(column.max()))) if len(column) else column


def _word(columns: dict[str, Any]) -> SourceErrors:
    workflows, tasks, sites, notes = orjson.loads(columns["words"].tobytes())
    index = {name: i for i, name in enumerate(workflows)}
    task, code, site = (columns[name].astype(np.int32) for name in ("task", "code", "site"))
    cells = Cells(tuple(tasks), columns["codes"], tuple(sites), task, code, site, columns["count"].astype(np.int64))
    owners = np.fromiter(map(index.__getitem__, cells.owners), np.int32, len(tasks))
    return SourceErrors(tuple(workflows), columns["at"], columns["flags"], notes, cells, owners)


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _lost(path: Path, err: Exception) -> None:
    told = f"{type(err).__name__}: {err.error_count()} errors" if isinstance(err, ValidationError) else repr(err)
    log.warning("kept data can not be read and is lost", extra={"path": str(path), "error": told})


def shelves(data_dir: Path, sources: Collection[str]) -> dict[str, Shelf]:
    """The shelf of every source. Those of other sources are removed: whoever left plugins.yml leaves nothing."""
    folder = data_dir / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in sources:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob("*/*.new"):  # of a refresh that was killed
        path.unlink()
    return {name: Shelf(folder / name) for name in sources}
