"""The best that can be known of what operators decided, from what a plugin may see; for tests and benchmarks.

``visible`` is the Bayes posterior, worked out from the model that makes the world. It sees, for all tasks of the
workflow, their types, which exit codes they have, and what their logs speak of, and the month.
It does not see causes. Failed jobs, sites and their statuses add nothing that these do not tell about the
decision, but for two small things that are left out: how wide a muddled failure spreads, and
which site was out; so the score of ``visible`` is a little below the best one.
``told`` is the posterior of somebody who is told whether the configuration is bad: decisions depend on nothing else,
so no plugin, whatever it sees, has a higher expected score than that.
"""

from __future__ import annotations

import numpy as np

from .draws import Array
from .failures import MISLEADING, TELLING, TELLING_CONFIGURATION, TOGETHER, UNSAID
from .families import needless_share, wrong_share
from .parameters import CHAINS, MUDDLED, OVERLOOKED, TYPES, Parameters, Population, load
from .truth import History

_TINY = 1e-300


def told(history: History) -> Array:
    """By task: P(something else than an ACDC | whether the configuration is bad, month)."""
    families = history.families
    p = np.where(families.wrong, 1 - OVERLOOKED, needless_share(families.others))
    found: Array = p[history.failed.step_work]
    return found


def visible(history: History) -> Array:
    """By task: P(something else than an ACDC | types, exit codes and words of the workflow's tasks, month)."""
    parameters = load()
    population = parameters.populations["acted"]
    families, failed = history.families, history.failed
    log = np.zeros((len(families), 3))  # right, bad configuration, muddle
    seen = _log_seen(history, population)  # (steps, 3, classes)
    words = _log_words(history, parameters, population)  # (steps, 3, causes)
    kind = _types(history)
    of_class = parameters.classes[kind]  # (steps, classes)
    behind = parameters.behind  # (classes, causes)
    peak = seen.max(2, keepdims=True)
    weight = np.exp(seen - peak) * of_class[:, None, :]
    # A task with a cause of its own: sum over classes and causes.
    own = weight @ behind * np.exp(words)  # (steps, 3, causes)
    joint = of_class[:, None, :] * behind.T[None, :, :]
    joint /= joint.sum(2, keepdims=True) + _TINY  # (steps, causes, classes): P(class | type, cause)
    given = np.einsum("shk,sck->shc", np.exp(seen - peak), joint) * np.exp(words)
    mine = np.log(own + _TINY)  # by the cause of the first task
    others = np.log(TOGETHER * given + (1 - TOGETHER) * own.sum(2, keepdims=True) + _TINY)
    by_cause = np.where(failed.step_main[:, None, None], mine, others)
    total = np.zeros((len(families), 3, behind.shape[1]))
    np.add.at(total, failed.step_work, by_cause)
    top = total.max(2, keepdims=True)
    log = (top + np.log(np.exp(total - top).sum(2, keepdims=True)))[:, :, 0]
    np.add.at(log, failed.step_work, peak[:, :, 0])
    prior = wrong_share(families.others)
    log += np.log(np.stack([1 - prior, prior * (1 - MUDDLED), prior * MUDDLED], 1) + _TINY)
    log -= log.max(1, keepdims=True)
    p = np.exp(log)
    wrong = p[:, 1:].sum(1) / p.sum(1)
    decided = wrong * (1 - OVERLOOKED) + (1 - wrong) * needless_share(families.others)
    found: Array = decided[failed.step_work]
    return found


def _log_seen(history: History, population: Population) -> Array:
    """Log P(exit codes of a task | kind of failure, class): (steps, 3, classes)."""
    failed = history.failed
    there = np.zeros((len(failed.step_slot), len(population.codes)), bool)
    there[failed.pair_step, failed.pair_code] = True
    found = np.empty((len(there), 3, population.presence.shape[1]))
    single = there.sum(1) == 1
    code = there.argmax(1)
    for how, p in enumerate(np.clip(population.presence, 1e-12, 1 - 1e-12)):
        found[:, how, :] = there @ np.log(p.T) + ~there @ np.log1p(-p.T)
        # A single code may also be the one that a task gets that would have none.
        none = np.log1p(-p).sum(1)
        instead = none[None, :] + np.log(p[:, code].T / p.sum(1)[None, :])
        found[single, how, :] = np.logaddexp(found[single, how, :], instead[single])
    return found


def _log_words(history: History, parameters: Parameters, population: Population) -> Array:
    """Log P(what the logs of a task speak of | kind of failure, cause): (steps, 3, causes)."""
    failed = history.failed
    causes, configuration = len(parameters.causes), parameters.causes.index("configuration")
    affinity, said = population.affinity[failed.pair_code], failed.pair_evidence
    configurable = population.configurable[failed.pair_code]
    found = np.zeros((len(failed.step_slot), 3, causes))
    misled = np.where(configurable, MISLEADING, 0.0)
    for cause in range(causes):
        is_likely = affinity[:, cause] > 0
        of_said = affinity[np.arange(len(said)), np.maximum(said, 0)]
        speaks = np.where(is_likely, said == cause, of_said) * TELLING
        right = np.where(said == UNSAID, 1 - TELLING - misled, np.where(said == configuration, misled, speaks))
        bad = np.where(
            said == UNSAID, 1 - TELLING_CONFIGURATION, np.where(said == configuration, TELLING_CONFIGURATION, 0.0)
        )
        for how in range(3):
            p = np.where(configurable & (how > 0), bad, right)
            np.add.at(found[:, how, cause], failed.pair_step, np.log(p + 1e-12))
    return found


def _types(history: History) -> Array:
    """The type of each task, as an index of TYPES."""
    chains = load().chains
    most = max(len(tree) for tree in chains.values())
    kinds = np.zeros((len(CHAINS), most), np.int64)
    for i, name in enumerate(CHAINS):
        kinds[i, : len(chains[name])] = [TYPES.index(task[0]) for task in chains[name]]
    found: Array = kinds[history.families.chain[history.failed.step_work], history.failed.step_slot]
    return found
