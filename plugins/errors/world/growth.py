"""How families grow: workflows fail, somebody acts, an ACDC or a clone is made and fails in its turn.

Generation 0 of a family is its workflow; each act that makes a workflow makes the next generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .acts import MAKING, Act, memory_of, splitting_of, xrootd_of
from .draws import Array, uniform
from .effects import Deeds, again, first_site, together
from .failures import Failed, Failures, compact, joined
from .families import Families
from .names import Name, names_of, shorts, workflow_name
from .operators import SLOTS, Decisions, decide, deeds_of
from .sites import NOISE, PLACE, SITES, down, spell_of

_ACTS, _FIRST, _SECOND, _MORE = range(601, 605)
#: Families that other operators act on, and those that they act on once more when something is left.
ACTED, AGAIN = 0.75, 0.6
#: Parts of the time that a family stays: when operators act, when they do so again, when a mended family is archived.
_ACT_FROM, _ACT_TO, _AGAIN_AFTER, _ARCHIVED_AFTER = 0.2, 0.55, 0.18, 0.15
#: The same, for the time until all that fails has failed.
RAMP = 0.08
_CHUNK = 16_384


@dataclass(frozen=True, eq=False)
class Works:
    """Workflows as columns, the first ones in the order of the families."""

    family: Array
    generation: Array
    parent: Array  # row of the workflow that was acted on, -1 for none
    born: Array  # seconds
    clone: Array
    version: Array
    acdc: Array  # number of the ACDC in its family, -1 when it is none

    def __len__(self) -> int:
        return len(self.family)


@dataclass(eq=False)
class Grown:
    """Families at one time with all their workflows. ``failed[g]`` has what fails for good in generation g."""

    families: Families
    works: Works
    failed: list[Failed]
    archived: Array  # seconds, by family; infinite for those that stay until their time is over
    lead: Array  # the cause of the first failing task, by family
    decisions: Decisions
    names: dict[int, Name] = field(default_factory=dict)

    def name(self, work: int) -> str:
        """The name of the workflow in this row."""
        works = self.works
        name = self.part(int(works.family[work]))
        number = int(self.families.number[works.family[work]])
        string = name.request_string(int(works.version[work]))
        requestor = name.requestor
        if works.acdc[work] >= 0:
            string, requestor = f"ACDC{int(works.acdc[work])}_{string}", "cmsunified"
        return workflow_name(requestor, string, float(works.born[work]), number)

    def part(self, family: int) -> Name:
        """What the names of a family are made of."""
        if family not in self.names:
            f = self.families
            one = slice(family, family + 1)
            self.names[family] = names_of(f.number[one], f.key[one], f.chain[one])[0]
        return self.names[family]

    def name_all(self) -> None:
        """Make the parts of all names at once."""
        f = self.families
        self.names = dict(enumerate(names_of(f.number, f.key, f.chain)))


def first_failures(failures: Failures, families: Families, lifetime_s: float) -> Failed:
    """What fails in the first workflows of *families*; their rows are those of the families."""
    parts = []
    for start in range(0, len(families), _CHUNK):
        rows = slice(start, start + _CHUNK)
        when = families.born[rows] + families.onset[rows] * RAMP * lifetime_s
        parts.append(failures.make(families.key[rows], families.chain[rows], families.wrong[rows], when, start))
    return joined(parts)


def leading(failed: Failed, families: int) -> Array:
    """The cause of the first failing task of each of so many families."""
    lead = np.zeros(families, np.int64)
    lead[failed.step_work[failed.step_main]] = failed.step_cause[failed.step_main]
    return lead


class Growth:
    """Lets families grow until a time."""

    def __init__(self, failures: Failures, lifetime_s: float, ambient: bool) -> None:
        self._failures = failures
        self._lifetime_s = lifetime_s
        self._ambient = ambient

    def until(self, families: Families, at: float, acts: Mapping[int, Sequence[Act]]) -> Grown:
        """*families* at *at*; *acts*: family number -> what was done to its workflows, in order."""
        failed = first_failures(self._failures, families, self._lifetime_s)
        n = len(families)
        lead = leading(failed, n)
        works = Works(
            np.arange(n), np.zeros(n, np.int64), np.full(n, -1), families.born, np.zeros(n, bool),
            np.ones(n, np.int64), np.full(n, -1),
        )  # fmt: skip
        grown = Grown(families, works, [failed], np.full(n, np.inf), lead, decide(families, lead))
        if self._ambient:
            self._others(grown, at, acts)
        self._ours(grown, at, acts)
        return grown

    # -- other operators --

    def _others(self, grown: Grown, at: float, acts: Mapping[int, Sequence[Act]]) -> None:
        families, life = grown.families, self._lifetime_s
        first = families.born + life * (_ACT_FROM + (_ACT_TO - _ACT_FROM) * uniform(families.key, _FIRST))
        until = np.full(len(families), np.inf)
        for number, mine in acts.items():
            until[families.number == number] = mine[0].at.timestamp()
        making = np.isin(grown.decisions.kind, [0, 1]) & (uniform(families.key, _ACTS) < ACTED)
        rows = np.flatnonzero(making & (first <= at) & (first < until))
        self._deed(grown, deeds_of(rows, grown.decisions, 0, first, len(SITES + NOISE), _worst(grown)))
        second = first + life * _AGAIN_AFTER
        left = np.zeros(len(families), bool)
        if len(grown.failed) > 1:
            left[grown.works.family[grown.failed[1].step_work]] = True
        more = left & (uniform(families.key, _MORE) < AGAIN) & (second <= at) & (second < until)
        rows = np.flatnonzero(more)
        # What did not help is not tried again as it was: the second time the parameters fit more often.
        wiser = replace(grown.decisions, xrootd=np.ones(len(families), bool), kind=np.zeros(len(families), np.int64))
        self._deed(grown, deeds_of(rows, wiser, 1, second, len(SITES + NOISE), _worst(grown)))

    # -- ours --

    def _ours(self, grown: Grown, at: float, acts: Mapping[int, Sequence[Act]]) -> None:
        """Acts in rounds: the first one of every family, the second one of every family ..."""
        row_of = {int(number): row for row, number in enumerate(grown.families.number.tolist())} if acts else {}
        waiting = [(row_of[number], mine) for number, mine in acts.items() if number in row_of]
        for turn in range(max((len(mine) for _, mine in waiting), default=0)):
            made = [self.deeds(grown, row, mine[turn], at) for row, mine in waiting if turn < len(mine)]
            some = [deeds for deeds in made if deeds is not None]
            if some:
                self._deed(grown, together(some))

    def deeds(self, grown: Grown, family: int, act: Act, at: float) -> Deeds | None:
        """What *act* comes to at *at*; None when it makes no workflow. It may end the family."""
        works = grown.works
        rows = np.flatnonzero(works.family == family).tolist()
        parent = next((row for row in rows if grown.name(row) == act.workflow), None)
        when = act.at.timestamp()
        if parent is None or not works.born[parent] <= when <= min(at, grown.archived[family]):
            return None
        if act.kind in ("force-complete", "by-pass"):
            grown.archived[family] = when + 0.05 * self._lifetime_s
        if act.kind not in MAKING:
            return None
        return _deeds(act, family, int(works.generation[parent]), shorts(grown.part(family)))

    def _deed(self, grown: Grown, deeds: Deeds) -> None:
        """Make the workflows that *deeds* make, as the next generation."""
        if not len(deeds):
            return
        works = grown.works
        latest = np.zeros(len(grown.families), np.int64)
        np.maximum.at(latest, works.family, works.generation)
        row_of = np.full((len(grown.families), int(latest.max()) + 1), -1)
        row_of[works.family, works.generation] = np.arange(len(works))
        parent = row_of[deeds.family, deeds.parent]
        deed = np.full(len(works), -1)
        deed[parent] = np.arange(len(deeds))
        # The other generations have nothing to do with it.
        sources = [f for f in grown.failed if len(f.step_work) and (deed[f.step_work] >= 0).any()]
        whole = joined(sources) if sources else grown.failed[0]
        of_step = deed[whole.step_work]
        memory = grown.families.memory[works.family[whole.step_work]]
        out = self._still_out(whole, of_step[whole.pair_step], deeds)
        child = compact(again(whole, of_step, deeds, memory, out))
        grown.failed.append(replace(child, step_work=child.step_work + len(works)))
        grown.works = _with_children(works, deeds, parent, latest)
        self._archive(grown, deeds, child)

    def _still_out(self, failed: Failed, of: Array, deeds: Deeds) -> Array:
        """For each exit code of a task whether the site in question is out when it is rerun."""
        spells, row = np.unique(spell_of(deeds.at), return_inverse=True)
        table = np.zeros((len(spells), len(SITES + NOISE)), bool)
        table[:, PLACE] = down(self._failures.seed, spells)
        out: Array = table[row[of], first_site(failed)]
        return out & (of >= 0)

    def _archive(self, grown: Grown, deeds: Deeds, child: Failed) -> None:
        """Families of which nothing is left to recover leave before their time."""
        left = np.zeros(len(deeds), bool)
        left[child.step_work] = True
        whole = deeds.rerun.all(1)
        end = np.where(left | ~whole, np.inf, deeds.at + self._lifetime_s * _ARCHIVED_AFTER)
        grown.archived[deeds.family] = end


def _with_children(works: Works, deeds: Deeds, parent: Array, latest: Array) -> Works:
    acdcs, versions = np.zeros(len(latest), np.int64), np.ones(len(latest), np.int64)
    np.add.at(acdcs, works.family, works.acdc >= 0)
    np.maximum.at(versions, works.family, works.version)
    f = deeds.family
    return Works(
        np.concatenate([works.family, f]),
        np.concatenate([works.generation, latest[f] + 1]),
        np.concatenate([works.parent, parent]),
        np.concatenate([works.born, np.floor(deeds.at)]),
        np.concatenate([works.clone, deeds.clone]),
        np.concatenate([works.version, np.where(deeds.clone, versions[f] + 1, works.version[parent])]),
        np.concatenate([works.acdc, np.where(deeds.clone, -1, acdcs[f])]),
    )


def _worst(grown: Grown) -> Array:
    """The site with the largest cell, by family."""
    failed = grown.failed[0]
    order = np.argsort(failed.cell_count, kind="stable")
    worst = np.zeros(len(grown.families), np.int64)
    worst[failed.step_work[failed.pair_step[failed.cell_pair[order]]]] = failed.cell_site[order]
    return worst


def _deeds(act: Act, family: int, parent: int, tasks: Sequence[str]) -> Deeds:
    """One act as a deed."""
    asked = [act.of_task(task) for task in tasks]
    fill = [values or {} for values in asked] + [{}] * (SLOTS - len(asked))
    rerun = [values is not None for values in asked] + [True] * (SLOTS - len(asked))
    places = SITES + NOISE
    banned = np.zeros(len(places), bool)
    for values in fill:
        only, ban = _list(values.get("sites")), _list(values.get("ban"))
        banned |= np.isin(places, ban) | (bool(only) & ~np.isin(places, only))
    return Deeds(
        family=np.array([family]),
        parent=np.array([parent]),
        at=np.array([act.at.timestamp()]),
        clone=np.array([act.kind == "clone"]),
        rerun=np.array([rerun]),
        memory=np.array([[memory_of(values) for values in fill]]),
        split=np.array([[splitting_of(values) for values in fill]]),
        xrootd=np.array([[xrootd_of(values) for values in fill]]),
        banned=banned[None, :],
    )


def _list(value: object) -> list[str]:
    """Site names; a plain string is one, too."""
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, (list, tuple)) else []
