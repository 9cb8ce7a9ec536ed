"""The log index as SQL that SQLite and PostgreSQL both understand. What they do not share stands in their own modules."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from wwt_framework.store.logs.words import Hit, Said, Spot, Wanted, like

#: Newest texts that are looked through; where more have the words, the older ones are left out and that is said.
MOST = 10_000
#: Seconds after which it is noted that something was seen again.
_NOTED_EVERY = 3_600
#: Rows of one statement.
_ROWS = 400
#: Workflows whose name has a word; a word that more have is none of a name.
_NAMES = 300
#: Letters of a word that may be a part of a workflow's name.
_NAME_LETTERS = 5
#: Spots of one text that are told.
_SPOTS = 20
#: Texts that are forgotten in one transaction.
_FORGOTTEN = 2_000


class LogIndex(ABC):
    """Keep, search, prune. Each ``keep`` and each step of ``prune`` is one transaction, whole or not at all."""

    # -- what each database does in its own way --

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Any]:
        """A transaction that may write; makes the tables when there are none."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Any]:
        """Something to read with; None where nothing was ever kept."""

    @abstractmethod
    def _rows(self, db: Any, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What *sql* gives; its places are question marks."""

    @abstractmethod
    def _having(self, words: Sequence[str]) -> tuple[str, list[Any]]:
        """SQL of the ids of texts with all *words*, newest first, at most MOST."""

    @abstractmethod
    def _many(self, db: Any, words: Sequence[str]) -> bool:
        """Whether more than MOST texts may have *words*, so that the older ones are not looked at."""

    @abstractmethod
    def slow(self) -> str:
        """Why searches are slower than they could be, in a sentence; "" when they are not."""

    # -- keeping --

    def keep(self, some: Sequence[Said], seen_at: datetime) -> None:
        """Keep *some*, seen at *seen_at*: new ones are added, others were seen again.

        What is told again as it was costs a look and no writing; that it was seen again is noted once an hour.
        """
        stamp = seen_at.timestamp()
        # Neither full text search goes beyond a NUL.
        some = [replace(said, text=said.text.replace("\0", "\ufffd")) if "\0" in said.text else said for said in some]
        with self._writing() as db:
            digests = {said.text: _digest(said.text) for said in some}
            texts = self._keep_texts(db, {digest: text for text, digest in digests.items()}, stamp)
            names = self._keep_names(db, {name for said in some for name in _names(said)})
            rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
            for said in some:
                key = (texts[digests[said.text]], *(names[name] for name in _names(said)), said.exit_code)
                before = rows.get(key)
                at = None if said.at is None else said.at.timestamp()
                rows[key] = (*key, said.count + (before[6] if before else 0), stamp, at)
            self._upsert(
                db, "insert into log_place (text, workflow, task, site, module, exit_code, count, last_seen, at) values ",
                list(rows.values()),
                " on conflict (text, workflow, task, site, module, exit_code)"
                " do update set count = excluded.count, last_seen = excluded.last_seen, at = excluded.at"
                " where log_place.count <> excluded.count or coalesce(log_place.at, 0) <> coalesce(excluded.at, 0)"
                f" or log_place.last_seen <= excluded.last_seen - {_NOTED_EVERY}",
            )  # fmt: skip

    def _keep_texts(self, db: Any, texts: Mapping[str, str], stamp: float) -> dict[str, int]:
        """Digest -> id."""
        found = self._known(db, "select digest, id, last_seen from log_text where digest", list(texts))
        ids = {str(digest): int(id_) for digest, id_, seen in found if seen > stamp - _NOTED_EVERY}
        rows = [(one, text, len(text.encode()), stamp, stamp) for one, text in texts.items() if one not in ids]
        kept = self._upsert(
            db, "insert into log_text (digest, text, bytes, first_seen, last_seen) values ", rows,
            " on conflict (digest) do update set last_seen = excluded.last_seen returning digest, id",
        )  # fmt: skip
        return ids | {str(digest): int(id_) for digest, id_ in kept}

    def _keep_names(self, db: Any, names: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Kind and name -> id."""
        ids: dict[tuple[str, str], int] = {}
        for one in sorted({kind for kind, _ in names}):
            mine = sorted(name for kind, name in names if kind == one)
            found = self._known(db, f"select name, id from log_name where kind = '{one}' and name", mine)
            ids |= {(one, str(name)): int(id_) for name, id_ in found}
        kept = self._upsert(
            db, "insert into log_name (kind, name) values ", sorted(set(names) - ids.keys()),
            " on conflict (kind, name) do update set name = excluded.name returning kind, name, id",
        )  # fmt: skip
        return ids | {(str(kind), str(name)): int(id_) for kind, name, id_ in kept}

    def _known(self, db: Any, head: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """What *head*, up to the column that they are in, gives of *keys*."""
        found: list[tuple[Any, ...]] = []
        for i in range(0, len(keys), _ROWS):
            part = keys[i : i + _ROWS]
            found += self._rows(db, f"{head} in ({', '.join('?' * len(part))})", part)
        return found

    def _upsert(self, db: Any, head: str, rows: Sequence[tuple[Any, ...]], tail: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for i in range(0, len(rows), _ROWS):
            part = rows[i : i + _ROWS]
            places = ", ".join(["(" + ", ".join("?" * len(part[0])) + ")"] * len(part))
            found += self._rows(db, head + places + tail, [value for row in part for value in row])
        return found

    def note_filled(self, at: datetime) -> None:
        """Say that everything known at *at* is here."""
        with self._writing() as db:
            self._rows(
                db, "insert into log_filled (id, at) values (1, ?) on conflict (id) do update set at = excluded.at",
                [at.timestamp()],
            )  # fmt: skip

    def filled_at(self) -> datetime | None:
        """Of when the index is; None when it was never filled whole."""
        with self._reading() as db:
            rows = self._rows(db, "select at from log_filled where id = 1", []) if db is not None else []
        return _when(rows[0][0]) if rows else None

    # -- forgetting --

    def prune(self, before: datetime, most_bytes: int) -> int:
        """Forget texts that were not seen since *before*, then the longest unseen until *most_bytes* hold the rest."""
        gone = 0
        while some := self._oldest(before, most_bytes):
            with self._writing() as db:
                for table, column in (("log_place", "text"), ("log_text", "id")):
                    for i in range(0, len(some), _ROWS):
                        part = some[i : i + _ROWS]
                        sql = f"delete from {table} where {column} in ({', '.join('?' * len(part))})"
                        self._rows(db, sql, part)
            gone += len(some)
        if gone:
            with self._writing() as db:
                self._rows(
                    db, "delete from log_name where kind = 'w' and id not in (select workflow from log_place)", []
                )
                self._rows(db, "delete from log_name where kind = 't' and id not in (select task from log_place)", [])
        return gone

    def _oldest(self, before: datetime, most_bytes: int) -> list[int]:
        with self._reading() as db:
            if db is None:
                return []
            old = self._rows(
                db, "select id from log_text where last_seen < ? order by last_seen, id limit ?", [before.timestamp(), _FORGOTTEN]
            )  # fmt: skip
            if old:
                return [row[0] for row in old]
            over = int(self._rows(db, "select coalesce(sum(bytes), 0) from log_text", [])[0][0]) - most_bytes
            found: list[int] = []
            if over > 0:
                for id_, size in self._rows(
                    db, "select id, bytes from log_text order by last_seen, id limit ?", [_FORGOTTEN]
                ):
                    if over <= 0:
                        break
                    found.append(id_)
                    over -= size
            return found

    # -- searching --

    def search(self, wanted: Wanted, limit: int, offset: int = 0) -> tuple[list[Hit], int, bool]:
        """The texts that fit, those seen last first, from *offset* on; how many fit; whether there may be older ones."""
        with self._reading() as db:
            if db is None:
                return [], 0, False
            candidates, values = self._candidates(db, wanted)
            where, more = _filters(wanted)
            fits = f" from log_place p where p.text in ({candidates}) {where}"
            values = [*values, *more]
            page = self._rows(
                db,
                f"select p.text, max(p.last_seen), sum(p.count), count(*), count(*) over (){fits}"
                " group by p.text order by 2 desc, 1 desc limit ? offset ?",
                [*values, limit, offset],
            )
            if offset and not page:  # beyond the last page
                found = int(self._rows(db, f"select count(distinct p.text){fits}", values)[0][0])
            else:
                found = int(page[0][4]) if page else 0
            hits = self._hits(db, wanted, page)
            many = bool(wanted.words) and not wanted.workflow and self._many(db, wanted.words)
        return hits, found, many

    def _candidates(self, db: Any, wanted: Wanted) -> tuple[str, list[Any]]:
        """SQL of the ids of texts that have the words."""
        words = list(wanted.words)
        if wanted.workflow:
            own = "select distinct text from log_place where workflow in (select id from log_name where kind = 'w' and name = ?)"
            return self._with(f"({own})", [wanted.workflow], words)
        if not words:
            return _newest(wanted)
        having, values = self._having(words)
        named = {word: ids for word in words if (ids := self._workflows(db, word))}
        if not named:
            return having, values
        both = sorted(set.intersection(*named.values()))
        own = f"select distinct text from log_place where workflow in ({', '.join('?' * len(both)) or 'null'}) limit {MOST}"
        theirs, more = self._with(
            f"(select text from ({own}) as o)", both, [word for word in words if word not in named]
        )
        return f"select * from ({having}) as h union select * from ({theirs}) as n", [*values, *more]

    def _with(self, source: str, values: Sequence[Any], words: Sequence[str]) -> tuple[str, list[Any]]:
        """SQL of the ids in *source* whose texts have *words*; looked through one by one."""
        tests = "".join(f" and {self._like()}" for _ in words)
        return f"select id from log_text where id in {source}{tests}", [*values, *map(like, words)]

    def _like(self) -> str:
        return "text like ? escape '\\'"

    def _name_like(self) -> str:
        return "name like ? escape '\\'"

    def _workflows(self, db: Any, word: str) -> set[int]:
        """The workflows that have *word* in their name; none when it is too short, or in too many."""
        if len(word) < _NAME_LETTERS:
            return set()
        sql = f"select id from log_name where kind = 'w' and {self._name_like()} limit {_NAMES + 1}"
        found = self._rows(db, sql, [like(word)])
        return {row[0] for row in found} if len(found) <= _NAMES else set()

    def _hits(self, db: Any, wanted: Wanted, page: Sequence[tuple[Any, ...]]) -> list[Hit]:
        """What there is to say of the texts of *page*."""
        ids = [row[0] for row in page]
        told = {row[0]: row[1:] for row in self._known(db, "select id, text, first_seen from log_text where id", ids)}
        spots = self._spots(db, wanted, ids)
        return [
            Hit(int(id_), told[id_][0], _when(told[id_][1]), _when(seen), tuple(spots[id_]), int(places), int(jobs))
            for id_, seen, jobs, places, _ in page
        ]

    def _spots(self, db: Any, wanted: Wanted, ids: Sequence[int]) -> dict[int, list[Spot]]:
        """Id of a text -> where it was said, by most jobs first, not more than _SPOTS."""
        found: dict[int, list[Spot]] = {id_: [] for id_ in ids}
        where, values = _filters(wanted)
        sql = (
            "select * from (select p.text, w.name as w, t.name as t, p.exit_code, s.name as s, m.name as m, p.count, p.at,"
            " row_number() over (partition by p.text order by p.count desc, w.name, t.name, s.name) as place"
            " from log_place p join log_name w on w.id = p.workflow join log_name t on t.id = p.task"
            " join log_name s on s.id = p.site join log_name m on m.id = p.module"
            f" where p.text in ({', '.join('?' * len(ids)) or 'null'}) {where}) as q where place <= {_SPOTS} order by 1, place"
        )
        for id_, w, t, code, s, m, count, at, _ in self._rows(db, sql, [*ids, *values]):
            found[id_].append(Spot(w, t, code, s, m, count, None if at is None else _when(at)))
        return found


def _newest(wanted: Wanted) -> tuple[str, list[Any]]:
    """Without words: what is at the site or has the exit code, else the newest texts."""
    if wanted.site or wanted.exit_code is not None:
        where, values = _filters(Wanted(site=wanted.site, exit_code=wanted.exit_code))
        return f"select distinct p.text from log_place p where 1 = 1 {where} order by 1 desc limit {MOST}", values
    return f"select id from log_text order by id desc limit {MOST}", []


def _filters(wanted: Wanted) -> tuple[str, list[Any]]:
    """Conditions on log_place p, and their values."""
    parts: list[str] = []
    values: list[Any] = []
    for column, kind, name in (("workflow", "w", wanted.workflow), ("site", "s", wanted.site)):
        if name:
            parts.append(f"and p.{column} in (select id from log_name where kind = '{kind}' and name = ?)")
            values.append(name)
    if wanted.module:
        parts.append("and p.module in (select id from log_name where kind = 'm' and lower(name) like ? escape '\\')")
        values.append(like(wanted.module.lower()))
    if wanted.exit_code is not None:
        parts.append("and p.exit_code = ?")
        values.append(wanted.exit_code)
    if wanted.since is not None:
        parts.append("and coalesce(p.at, p.last_seen) >= ?")
        values.append(wanted.since.timestamp())
    if wanted.until is not None:
        parts.append("and coalesce(p.at, p.last_seen) < ?")
        values.append(wanted.until.timestamp())
    return " ".join(parts), values


def _names(said: Said) -> tuple[tuple[str, str], ...]:
    return ("w", said.workflow), ("t", said.task), ("s", said.site), ("m", said.module)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _when(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, timezone.utc)
