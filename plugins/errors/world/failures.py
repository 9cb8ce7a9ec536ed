"""How workflows fail: hidden causes, and the failed jobs that they leave.

For each failing task a pattern of exit codes and a cause behind it are drawn, for each of its codes the sites,
for each site the failed jobs. What the draws are made from was counted (`parameters`);
everything about a workflow follows from the seed and its key, so that one can be made without the others.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .draws import Array, below, bits, normal, pick, pick_rows, uniform
from .parameters import BIG, MUDDLED, NOISE, Parameters, Population, load
from .sites import PLACE, down, spell_of

_SLOT, _STEPS, _CLASS, _CAUSE, _SHARED, _OWN, _CODE, _MAIN = range(1, 9)
_WIDE, _LIKE, _EVIDENCE, _COUNT, _PLACE, _HOME, _FAKE, _NONE, _OUT, _HEAVY, _MUDDLE, _QUIET = range(9, 21)
#: Tasks of a workflow that fail for the cause of its first one.
TOGETHER = 0.6
#: Logs that speak of their cause; and those of a right configuration that look like a wrong one.
TELLING, TELLING_CONFIGURATION, MISLEADING = 0.35, 0.12, 0.012
#: How much of the (normal) size of cells and of their number is shared by a workflow, and by a task.
_HEAVY_WORKFLOW, _HEAVY_TASK = 0.55, 0.45
#: By how much the extent of a task that a cell belongs to is larger than that of a task.
_WIDER = 0.62
#: By how much it is larger for a task than for a workflow: those with many failing tasks have larger ones.
_MANY = 0.19
UNSAID = -1


@dataclass(frozen=True, eq=False)
class Failed:
    """Failing tasks, their exit codes and their cells, as columns; each refers to the row of the one above it."""

    step_work: Array  # row of the workflow asked for
    step_slot: Array  # index of the task in its tree
    step_class: Array
    step_cause: Array  # the cause behind it, a bad configuration left out
    step_main: Array  # whether it is the first one that was drawn of its workflow
    pair_step: Array
    pair_code: Array  # index into the codes of the population
    pair_cause: Array
    pair_evidence: Array  # the cause that its logs speak of, UNSAID for none
    pair_key: Array  # uint64
    cell_pair: Array
    cell_site: Array  # index into SITES + NOISE
    cell_count: Array
    fake_step: Array  # tasks of which nothing is reported at any site
    missing_step: Array  # tasks and sites that are not reported
    missing_site: Array


def compact(failed: Failed) -> Failed:
    """*failed* without tasks and codes that have no cells, sorted by workflow."""
    pairs = np.unique(failed.cell_pair)
    steps = np.unique(failed.pair_step[pairs])
    steps = steps[np.argsort(failed.step_work[steps], kind="stable")]
    new_step = np.full(len(failed.step_slot), -1)
    new_step[steps] = np.arange(len(steps))
    pairs = pairs[np.argsort(new_step[failed.pair_step[pairs]], kind="stable")]
    new_pair = np.full(len(failed.pair_code), -1)
    new_pair[pairs] = np.arange(len(pairs))
    cells = np.argsort(new_pair[failed.cell_pair], kind="stable")
    missing = np.flatnonzero(new_step[failed.missing_step] >= 0)
    missing = missing[np.argsort(new_step[failed.missing_step[missing]], kind="stable")]
    fake = new_step[failed.fake_step]
    return Failed(
        failed.step_work[steps], failed.step_slot[steps], failed.step_class[steps], failed.step_cause[steps],
        failed.step_main[steps], new_step[failed.pair_step[pairs]], failed.pair_code[pairs],
        failed.pair_cause[pairs], failed.pair_evidence[pairs], failed.pair_key[pairs],
        new_pair[failed.cell_pair[cells]], failed.cell_site[cells], failed.cell_count[cells],
        np.sort(fake[fake >= 0]), new_step[failed.missing_step[missing]], failed.missing_site[missing],
    )  # fmt: skip


def joined(parts: list[Failed]) -> Failed:
    """*parts* one after the other; workflows of a later part follow those of the earlier ones already."""
    steps = np.cumsum([0, *(len(p.step_slot) for p in parts)])
    pairs = np.cumsum([0, *(len(p.pair_code) for p in parts)])
    shift = {"pair_step": steps, "fake_step": steps, "missing_step": steps, "cell_pair": pairs}
    columns = {}
    for field in fields(Failed):
        by = shift.get(field.name)
        columns_of = [getattr(part, field.name) for part in parts]
        arrays = columns_of if by is None else [column + by[i] for i, column in enumerate(columns_of)]
        columns[field.name] = np.concatenate(arrays) if arrays else np.zeros(0, np.int64)
    return Failed(**columns)


def _class_ends(parameters: Parameters) -> tuple[Array, Array, Array]:
    """Cumulated P(class | type), P(cause | class) and P(class | type, cause) as rows; the last by type * causes + cause."""
    joint = parameters.classes[:, None, :] * parameters.behind.T[None, :, :] + 1e-12
    joint = (joint / joint.sum(2, keepdims=True)).reshape(-1, joint.shape[2])
    return tuple(  # type: ignore[return-value]
        np.cumsum(rows / rows.sum(1, keepdims=True), 1) for rows in (parameters.classes, parameters.behind, joint)
    )


def quiet(key: Array, population: Population) -> Array:
    """Whether only such tasks of each workflow fail as nobody triages: those that collect logs and clean up."""
    found: Array = uniform(key, _QUIET) < population.quiet
    return found


class Failures:
    """Makes workflows of one seed and population fail."""

    def __init__(self, seed: int, population: Population, parameters: Parameters | None = None) -> None:
        self.seed = seed
        self.population = population
        self.parameters = parameters or load()
        self._ends = _class_ends(self.parameters)

    def make(self, key: Array, chain: Array, wrong: Array, at: Array, first: int) -> Failed:
        """Failed jobs of workflows.

        *key*: uint64, of the workflow for ever; *chain*: its task tree; *wrong*: whether its configuration is bad;
        *at*: when it fails, seconds; *first*: row of the first of them.
        """
        work, slot, kind, main = self._slots(key, chain)
        step_key = bits(key[work], _SLOT, slot)
        of_class, cause = self._causes(step_key, work, kind, main, len(key))
        # Right, a bad configuration, or one that shows as a muddle.
        how = wrong * (1 + (uniform(key, _MUDDLE) < MUDDLED))
        presence = self._present(step_key, of_class, how[work])
        pair_step, pair_code = np.nonzero(presence)
        pair_key = bits(step_key[pair_step], self.population.codes[pair_code])
        pair_cause, evidence = self._evidence(pair_key, pair_code, cause[pair_step], wrong[work][pair_step])
        heavy = _HEAVY_WORKFLOW**0.5 * normal(key, _HEAVY)[work], 0.6 * normal(key, _WIDE)[work]
        cell_pair, cell_site, cell_count = self._cells(
            step_key, pair_step, pair_code, pair_key, heavy, how[work] == 2, self._outages(step_key, cause, at[work])
        )
        fake, missing_step, missing_site = self._missing(step_key, kind, heavy[1] / 0.6)
        return Failed(
            work + first, slot, of_class, cause, main, pair_step, pair_code, pair_cause, evidence, pair_key,
            cell_pair, cell_site, cell_count, fake, missing_step, missing_site,
        )  # fmt: skip

    def _slots(self, key: Array, chain: Array) -> tuple[Array, Array, Array, Array]:
        """The tasks that fail, by workflow: rows, slots, types, and whether each is the first one drawn."""
        names = list(self.parameters.chains)
        most = max(len(tree) for tree in self.parameters.chains.values())
        weights = np.zeros((len(names), most))
        kinds = np.zeros((len(names), most), np.int64)
        for i, name in enumerate(names):
            tree = self.parameters.chains[name]
            weights[i, : len(tree)] = self.parameters.slot_weights[name]
            kinds[i, : len(tree)] = [("Production", "Processing", "Merge").index(task[0]) for task in tree]
        # A slot's draw to the power of 1/weight is the largest in proportion to the weights (P. Efraimidis, 2006).
        with np.errstate(divide="ignore"):
            rank = np.log(uniform(key[:, None], _STEPS, np.arange(most)[None, :])) / weights[chain]
        order = np.argsort(-rank, axis=1, kind="stable")
        many = below(0.6 * normal(key, _WIDE) + 0.8 * normal(key, _STEPS))
        number = 1 + pick(self.parameters.steps_per_workflow, many)
        number = np.minimum(number, (weights > 0).sum(1)[chain])
        chosen = np.zeros((len(key), most), np.int64)
        np.put_along_axis(chosen, order, (np.arange(most)[None, :] < number[:, None]).astype(np.int64), 1)
        chosen[quiet(key, self.population)] = 0
        work, slot = np.nonzero(chosen)
        return work, slot, kinds[chain[work], slot], order[work, 0] == slot

    def _causes(self, step_key: Array, work: Array, kind: Array, main: Array, works: int) -> tuple[Array, Array]:
        """Pattern and cause of each failing task; some share the cause of the first one."""
        by_type, behind, joint = self._ends
        of_class = pick_rows(by_type, kind, uniform(step_key, _CLASS))
        cause = pick_rows(behind, of_class, uniform(step_key, _CAUSE))
        of_main = np.zeros(works, np.int64)
        of_main[work[main]] = cause[main]
        shared = ~main & (uniform(step_key, _SHARED) < TOGETHER)
        cause = np.where(shared, of_main[work], cause)
        again = pick_rows(joint, kind * behind.shape[1] + cause, uniform(step_key, _OWN))
        return np.where(shared, again, of_class), cause

    def _present(self, step_key: Array, of_class: Array, how: Array) -> Array:
        """Which codes each task has; the likeliest by a draw where it would have none."""
        p = self.population.presence[how, of_class]
        there = uniform(step_key[:, None], _CODE, self.population.codes[None, :]) < p
        empty = np.flatnonzero(~there.any(1))
        ends = np.cumsum(p[empty], 1)
        main = (ends < (uniform(step_key[empty], _MAIN) * ends[:, -1])[:, None]).sum(1) if len(empty) else empty
        there[empty, np.minimum(main, p.shape[1] - 1)] = True
        return there

    def _evidence(self, pair_key: Array, code: Array, cause: Array, wrong: Array) -> tuple[Array, Array]:
        """The cause of each exit code of a task, and what its logs speak of."""
        configuration = self.parameters.causes.index("configuration")
        affinity = self.population.affinity
        ends = np.cumsum(affinity, 1)
        other = pick_rows(ends / ends[:, -1:], code, uniform(pair_key, _LIKE))
        mine = np.where(affinity[code, cause] > 0, cause, other)
        configurable = self.population.configurable[code]
        mine = np.where(wrong & configurable, configuration, mine)
        u = uniform(pair_key, _EVIDENCE)
        said = np.where(u < np.where(mine == configuration, TELLING_CONFIGURATION, TELLING), mine, UNSAID)
        misled = configurable & (mine != configuration) & (u > 1 - MISLEADING)
        return mine, np.where(misled, configuration, said)

    def _outages(self, step_key: Array, cause: Array, at: Array) -> Array:
        """The site that is out for tasks that fail for an outage, by row; -1 for the others and where none was out."""
        found = np.full(len(step_key), -1)
        hit = np.flatnonzero(cause == self.parameters.causes.index("site-outage"))
        if len(hit):
            spells, row = np.unique(spell_of(at[hit]), return_inverse=True)
            likely = np.where(self.population.small > 1e-5, self.population.small, 0)
            ends = np.cumsum(down(self.seed, spells) * likely, 1)
            some = ends[row, -1] > 0
            sites = pick_rows(ends / np.maximum(ends[:, -1:], 1e-12), row, uniform(step_key[hit], _OUT))
            found[hit[some]] = sites[some]
        return found

    def _cells(
        self,
        step_key: Array,
        step: Array,
        code: Array,
        pair_key: Array,
        heavy: tuple[Array, Array],
        muddle: Array,
        out: Array,
    ) -> tuple[Array, Array, Array]:
        """Pair, site and failed jobs of each cell."""
        p = self.population
        shared = (heavy[0] + _HEAVY_TASK**0.5 * normal(step_key, _HEAVY))[step]
        extent = (heavy[1] + 0.6 * normal(step_key, _WIDE))[step] - _MANY
        wide = np.floor(np.exp(self._read(p.spread, code, below(extent + 0.53 * normal(pair_key, _WIDE)))) + 0.5)
        wide = wide * np.where(muddle[step], p.widen[code], 1)
        draws = p.draws[np.clip(wide, 1, len(p.draws) - 1).astype(np.int64)]
        pair = np.repeat(np.arange(len(step)), draws)
        j = np.arange(len(pair)) - np.repeat(np.cumsum(draws) - draws, draws)
        key = bits(pair_key[pair], j)
        # The size of a cell: part of it is shared; what fails at many sites fails more often, too.
        size = below(0.5 * (extent[pair] - _WIDER) + 0.6 * shared[pair] + 0.68 * normal(key, _COUNT))
        count = np.maximum(1, np.floor(np.exp(self._read(p.counts, code[pair], size)) + 0.5)).astype(np.int64)
        own = np.where(uniform(key, _OWN) < 0.7, uniform(step_key[step[pair]], _HOME, j), uniform(key, _PLACE))
        site = pick(p.small, own)
        site = np.where((j == 0) & (out[step[pair]] >= 0), out[step[pair]], site)
        site = np.where(count > BIG, pick(p.big, uniform(key, _PLACE)), site)
        nowhere = np.cumsum(p.nowhere[code[pair]], 1)
        which = (nowhere < uniform(key, _NONE)[:, None]).sum(1)
        for i, name in enumerate(NOISE):
            site = np.where(which == i, self.parameters.sites.index(name), site)
        _, first = np.unique(pair * len(self.parameters.sites) + site, return_index=True)
        return pair[first], PLACE[site[first]], count[first]

    def _read(self, knots: Array, row: Array, u: Array) -> Array:
        """The value of the quantile functions *knots* at *u*, a row for each."""
        at = self.parameters.knots
        left = np.clip(np.searchsorted(at, u, "right") - 1, 0, len(at) - 2)
        part = (u - at[left]) / (at[left + 1] - at[left])
        low: Array = knots[row, left]
        found: Array = low + part * (knots[row, left + 1] - low)
        return found

    def _missing(self, step_key: Array, kind: Array, heavy: Array) -> tuple[Array, Array, Array]:
        """Tasks without input, and the sites at which something is not reported: one mostly, or all of them."""
        p = self.population
        fake = (kind == 0) & (uniform(step_key, _FAKE) < p.fake)
        few = np.flatnonzero(~fake)
        u = below(0.68 * (heavy[few] - _MANY / 0.6) + 0.73 * normal(step_key[few], _NONE))
        points = np.linspace(0, 1, len(p.not_reported_sites))
        number = np.floor(np.exp(np.interp(u, points, p.not_reported_sites)) + 0.5)
        number = p.not_reported_draws[np.clip(number, 1, len(p.not_reported_draws) - 1).astype(np.int64)]
        step = np.repeat(few, number)
        j = np.arange(len(step)) - np.repeat(np.cumsum(number) - number, number)
        site = pick(p.not_reported, uniform(step_key[step], _NONE, j))
        all_of = np.flatnonzero(fake)
        # One in nine lists misses a site.
        from_ = (uniform(step_key[all_of], _WIDE) < 0.125).astype(np.int64)
        lists = np.repeat(all_of, len(self.parameters.fake) - from_)
        k = np.arange(len(lists)) - np.repeat(
            np.cumsum(len(self.parameters.fake) - from_), len(self.parameters.fake) - from_
        )
        step = np.concatenate([step, lists])
        site = np.concatenate([site, self.parameters.fake[k]])
        _, once = np.unique(step * len(self.parameters.sites) + site, return_index=True)
        return all_of, step[once], PLACE[site[once]]
