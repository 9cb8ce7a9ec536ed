"""What pages ask: the groups of a clusterer, and the workflows that are like one. Nobody waits long for either."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from wwt_framework.errors import WwtError
from wwt_framework.model import Similar
from wwt_framework.plugin import Correction, Matrix
from wwt_framework.services.alike.features import matrix_of
from wwt_framework.services.alike.groups import Groups, groups_of
from wwt_framework.services.alike.later import Later, Soon
from wwt_framework.services.alike.models import Models
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import KeptCorrection

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

#: Seconds that a page waits for what is not there yet.
PATIENCE_S = 0.4
#: Seconds after which a clusterer that still works hangs: its groups take seconds, also of very much.
HANGS_S = 900.0
#: Most workflows that a list of similar ones holds.
MOST = 100


@dataclass(frozen=True)
class Alike:
    """One workflow that is like another."""

    similar: Similar
    total: int  # failed jobs
    said: str = ""  # what an operator said about the two


@dataclass(frozen=True)
class Likeness:
    """The workflows that are like one, as one clusterer sees it."""

    plugin: str
    lines: tuple[Alike, ...] = ()
    away: tuple[Alike, ...] = ()  # like it, but an operator said that they do not belong together
    complaint: str = ""  # why nobody is here
    working: bool = False  # it is being worked out


@dataclass
class _Asked:
    """What one clusterer was asked for; it works in one thread at most."""

    plugin: object
    later: Later[Groups]
    given_up: bool = False  # it hangs, and that was told


@dataclass
class _Desk:
    groups: dict[str, _Asked] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Likenesses:
    """Of one installation."""

    def __init__(
        self,
        store: Store,
        models: Models,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self.models = models
        self._patience_s = patience_s
        self._matrix: Later[Matrix] = Later("matrix of failed jobs")
        self._desk = _Desk()

    # -- who can be asked --

    def groupers(self, hooks: Hooks) -> list[str]:
        """Clusterers that make groups, in the order of plugins.yml."""
        return hooks.implementing("label_workflows")

    def finders(self, hooks: Hooks) -> list[str]:
        """Clusterers that find similar workflows."""
        return hooks.implementing("find_similar")

    def stamp(self, snapshot: Snapshot, hooks: Hooks) -> str:
        """Changes when groups or likenesses may have changed while the snapshot stayed, or are there at last."""
        known = [str(self._matrix.has(snapshot.version))]
        for plugin in self.groupers(hooks):
            asked = self._asked(hooks, plugin)
            there = asked.later.has(self._key(snapshot, hooks, plugin))
            known += [self.models.current(plugin).stamp, str(there), str(asked.given_up)]
        return " ".join([ledger.corrections_stamp(self._store), *known, *self.finders(hooks)])

    def have_learnt(self, hooks: Hooks, kept: KeptCorrection) -> bool:
        """Whether groups or likenesses are of what *kept* said, though it was taken back: until the next fit, that is."""
        plugins = {*self.groupers(hooks), *self.finders(hooks)}
        fitted = [at for plugin in plugins if (at := self.models.current(plugin).fitted_at) is not None]
        return kept.ended_at is not None and any(kept.correction.at <= at <= kept.ended_at for at in fitted)

    # -- answers --

    def groups(self, snapshot: Snapshot, hooks: Hooks, plugin: str) -> Soon[Groups]:
        """The groups of *plugin*; an empty answer while they are being worked out."""
        model = self.models.current(plugin)

        def make() -> Groups:
            matrix = self._soon_matrix(snapshot, patience_s=600).value
            if matrix is None:
                raise WwtError("the matrix of failed jobs takes too long")
            answer = hooks.only(plugin, "label_workflows", matrix=matrix, model=model.folder)
            if answer.error is not None:
                raise WwtError(answer.complaint)
            return groups_of(snapshot, plugin, answer.value, self._corrections(), model.fitted_at)

        asked = self._asked(hooks, plugin)
        soon = asked.later.get(self._key(snapshot, hooks, plugin), make, self._patience_s)
        return soon if soon.seconds < HANGS_S else self._give_up(hooks, plugin, asked)

    def similar(self, snapshot: Snapshot, hooks: Hooks, plugin: str, workflow: str, n: int) -> Likeness:
        """The *n* workflows that *plugin* finds most like *workflow*, nearest first."""
        soon = self._soon_matrix(snapshot, self._patience_s)
        if soon.value is None:
            return Likeness(plugin, complaint=soon.error, working=not soon.error)
        model = self.models.current(plugin).folder
        answer = hooks.only(plugin, "find_similar", workflow=workflow, matrix=soon.value, model=model, n=n)
        if answer.error is not None:
            return Likeness(plugin, complaint=answer.complaint)
        strange = [one for one in answer.value if not _is_fit(one)]
        if strange:
            return Likeness(
                plugin, complaint=f"{plugin}: expected workflows with their distances, got {strange[0]!r:.200}"
            )
        there_now = snapshot.cube.workflows.find
        near_it = [one for one in answer.value if one.workflow != workflow and there_now(one.workflow) >= 0]
        lines = [_line(snapshot, one) for one in near_it[:n]]
        told = {line.similar.workflow: line for line in lines}
        together, apart = _words(self._corrections(), workflow)
        put = [_line(snapshot, Similar(name, 0.0), said) for name, said in together.items() if name not in told]
        near = [
            _line(snapshot, line.similar, together.get(name, "")) for name, line in told.items() if name not in apart
        ]
        away = [_line(snapshot, line.similar, apart[name]) for name, line in told.items() if name in apart]
        there = [line for line in put if snapshot.cube.workflows.find(line.similar.workflow) >= 0]
        return Likeness(plugin, (*near, *there[:MOST]), tuple(away))

    def _asked(self, hooks: Hooks, plugin: str) -> _Asked:
        """What *plugin* was asked for. One that hangs is asked anew when it was loaded anew, or an admin released it."""
        with self._desk.lock:
            asked, now = self._desk.groups.get(plugin), hooks.plugins.get(plugin)
            if asked is None or asked.plugin is not now or (asked.given_up and not _quarantined(hooks, plugin)):
                asked = self._desk.groups[plugin] = _Asked(now, Later(f"groups of {plugin}", self._clock))
            return asked

    def _give_up(self, hooks: Hooks, plugin: str, asked: _Asked) -> Soon[Groups]:
        with self._desk.lock:
            first, asked.given_up = not asked.given_up, True
            if first:
                hooks.hangs(plugin, "label_workflows", HANGS_S)
        return Soon(
            error=f"{plugin} has worked on them for more than {HANGS_S / 60:.0f} minutes and may never end; "
            "an admin can have it asked again on /plugins"
        )

    def _key(self, snapshot: Snapshot, hooks: Hooks, plugin: str) -> tuple[Any, ...]:
        """What the groups of *plugin* depend on."""
        stamp = ledger.corrections_stamp(self._store)
        return snapshot.version, id(hooks.plugins.get(plugin)), self.models.current(plugin).stamp, stamp

    def _soon_matrix(self, snapshot: Snapshot, patience_s: float) -> Soon[Matrix]:
        return self._matrix.get(snapshot.version, lambda: matrix_of(snapshot), patience_s)

    def _corrections(self) -> Sequence[Correction]:
        return [kept.correction for kept in ledger.corrections(self._store)]


def _quarantined(hooks: Hooks, plugin: str) -> bool:
    return any(one.hook == "label_workflows" for one in hooks.record(plugin).quarantined)


def _is_fit(similar: Similar) -> bool:
    """Whether it can be shown: a plugin may put anything into its fields."""
    texts: list[Any] = [similar.workflow, *similar.shared, *similar.differs]
    distance: Any = similar.distance
    return all(isinstance(text, str) for text in texts) and isinstance(distance, Real) and math.isfinite(distance)


def _line(snapshot: Snapshot, similar: Similar, said: str = "") -> Alike:
    at = snapshot.cube.workflows.find(similar.workflow)
    return Alike(similar, int(snapshot.cube.workflow_total[at]) if at >= 0 else 0, said)


def _words(corrections: Sequence[Correction], workflow: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was said of *workflow* and others: who belongs to it, who does not; the last word counts."""
    together: dict[str, str] = {}
    apart: dict[str, str] = {}
    for said in corrections:
        mine, others = set(said.workflows), set(said.others)
        if said.kind == "merge" and workflow in mine:
            for name in mine - {workflow}:
                together[name] = f"put together by {said.user}"
                apart.pop(name, None)
        elif said.kind == "split" and workflow in mine | others:
            for name in others if workflow in mine else mine:
                apart[name] = f"set apart by {said.user}"
                together.pop(name, None)
    return together, apart
