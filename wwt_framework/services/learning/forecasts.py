"""What models expect an operator to do about a case, for pages: a page never waits for a model, nor for a service."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from wwt_framework.config import Config
from wwt_framework.errors import PluginError, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Prediction, Task
from wwt_framework.plugin import Predictor
from wwt_framework.services.learning.judging import asked, expected
from wwt_framework.services.learning.models import Models

log = logging.getLogger(__name__)

#: Seconds that a page gives to all models together, those that ask somebody included.
PATIENCE_S = 0.3
#: Cases of which the answers are remembered.
_REMEMBERED = 500
#: Questions to one model that are under way at once: one that hangs holds so many threads, and no more.
_AT_ONCE = 8


class House(Protocol):
    """What is needed of a house."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def config(self) -> Config: ...


@dataclass(frozen=True)
class Expected:
    """What one model expects for one task."""

    task: Task
    label: str  # "" when it says nothing about this task
    probability: float
    sure: bool
    others: tuple[tuple[str, float], ...] = ()  # label and probability of what else may be, most probable first
    parameters: Mapping[str, Any] = field(default_factory=dict)
    why: tuple[str, ...] = ()
    value: str = ""  # what a service said, where it is no action


@dataclass(frozen=True)
class Opinion:
    """What one model says of a case."""

    plugin: str
    model: str  # name and version
    training_set: str
    expected: tuple[Expected, ...]  # by task
    trouble: str = ""  # why it says nothing, in words
    links: Mapping[str, str] = field(default_factory=dict)

    def of(self, task: str) -> Expected | None:
        return next((one for one in self.expected if one.task.path == task), None)


@dataclass(frozen=True)
class Forecast:
    """All that models say of a case."""

    off: bool
    tasks: tuple[Task, ...]
    opinions: tuple[Opinion, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON: `PLAIN`."""
        return {
            "off": self.off,
            "models": [
                {
                    "plugin": one.plugin, "model": one.model, "training_set": one.training_set, "trouble": one.trouble,
                    "tasks": [
                        {
                            "task": e.task.path, "expects": e.label or e.value, "probability": e.probability, "sure": e.sure,
                            "others": dict(e.others), "parameters": dict(e.parameters), "why": list(e.why),
                        }
                        for e in one.expected
                    ],
                }
                for one in self.opinions
            ],
        }  # fmt: skip


#: The shape of `Forecast.plain`.
PLAIN = {
    "off": bool,
    "models": [{
        "plugin": str, "model": str, "training_set": str, "trouble": str,
        "tasks": [{
            "task": str, "expects": str, "probability": float, "sure": bool, "others": {str: float}, "parameters": {str: Any},
            "why": [str],
        }],
    }],
}  # fmt: skip


@dataclass(frozen=True)
class _Loaded:
    """A model in memory, of the version that stands in ``stamp``."""

    stamp: str
    predictor: Predictor | None
    believed: Mapping[str, float]
    trouble: str = ""


class Forecasts:
    """``of`` is asked by pages. Models are loaded and services are asked in threads; who is late is told the next time."""

    def __init__(self, house: Callable[[], House], data_dir: Path) -> None:
        self._house = house
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._loaded: dict[tuple[int, str], _Loaded] = {}
        self._under_way: dict[Any, Future[Any]] = {}
        self._known: OrderedDict[tuple[Any, ...], Opinion] = OrderedDict()

    def of(self, case: Case, version: str, patience_s: float = PATIENCE_S) -> Forecast:
        """What all models say of *case*, which is of the snapshot *version*."""
        house = self._house()
        tasks = {task.path: task for task in case.workflow.tasks}
        shown = tuple(tasks.get(path) or Task(path) for path in case.errors.tasks)
        if not house.config.house.predict:
            return Forecast(True, shown, ())
        plugins = house.hooks.implementing("load_predictor")
        asked = [(plugin, self._begin(house, plugin, case, version)) for plugin in plugins] if shown else []
        return Forecast(False, shown, tuple(self._end(plugin, what, patience_s) for plugin, what in asked))

    def warm(self) -> None:
        """Begin to load the models that count, so that the first page has them."""
        house = self._house()
        if house.config.house.predict:
            threading.Thread(target=self._load_all, args=(house,), name="predict", daemon=True).start()

    def _load_all(self, house: House) -> None:
        for plugin in house.hooks.implementing("load_predictor"):
            stamp, trouble = self._stamp(house, plugin)
            if not trouble:
                self._load(house, plugin, stamp)

    def state(self, workflow: str, version: str) -> str:
        """Changes when what `of` would say of *workflow* in the snapshot *version* may have changed."""
        house = self._house()
        if not house.config.house.predict:
            return "off"
        found = []
        for plugin in house.hooks.implementing("load_predictor"):
            stamp, _ = self._stamp(house, plugin)
            with self._lock:
                found.append((plugin, stamp, _key(house, plugin, stamp, version, workflow) in self._known))
        return str(found)

    def models(self, plugin: str) -> Models:
        return Models(self._data_dir, plugin)

    # -- one model --

    def _begin(self, house: House, plugin: str, case: Case, version: str) -> Opinion | Future[Any]:
        stamp, trouble = self._stamp(house, plugin)
        if trouble:
            return Opinion(plugin, "", "", (), trouble)
        key = _key(house, plugin, stamp, version, case.workflow.name)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            future = self._under_way.get(key)
            if future is None or (future.done() and not future.cancelled()):
                if sum(other[:2] == key[:2] for other in self._under_way) >= _AT_ONCE:
                    return Opinion(
                        plugin, "", "", (),
                        f"no answer yet: {_AT_ONCE} questions wait for one already; look at the page again in a moment",
                    )  # fmt: skip
                future = Future()
                self._under_way[key] = future
                work = threading.Thread(
                    target=self._work,
                    args=(future, key, house, plugin, stamp, case),
                    name=f"predict {plugin}",
                    daemon=True,
                )
                work.start()
        return future

    def _end(self, plugin: str, what: Opinion | Future[Any], patience_s: float) -> Opinion:
        if isinstance(what, Opinion):
            return what
        try:
            opinion: Opinion = what.result(patience_s)
        except Late:
            return Opinion(plugin, "", "", (), "no answer yet; look at the page again in a moment")
        return opinion

    def _work(
        self, future: Future[Any], key: tuple[Any, ...], house: House, plugin: str, stamp: str, case: Case
    ) -> None:
        try:
            loaded = self._load(house, plugin, stamp)
            opinion = _ask(plugin, loaded, case)
        except (Exception, SystemExit) as error:
            log.exception("a prediction failed", extra={"plugin": plugin})
            opinion = Opinion(plugin, "", "", (), f"it failed: {type(error).__name__}")
        with self._lock:
            if not opinion.trouble:
                self._known[key] = opinion
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._under_way.pop(key, None)
        future.set_result(opinion)

    def _stamp(self, house: House, plugin: str) -> tuple[str, str]:
        """The version that counts; or why there is none."""
        if plugin not in house.hooks.implementing("train_predictor"):
            return "-", ""
        try:
            version = self.models(plugin).which().current
        except WwtError as error:
            return "", str(error)
        return version, "" if version else "not trained yet; the job train does it once a day, and wwt train at once"

    def _load(self, house: House, plugin: str, stamp: str) -> _Loaded:
        key = (id(house.hooks.plugins[plugin]), plugin)
        with self._lock:
            known = self._loaded.get(key)
        if known is not None and known.stamp == stamp:
            return known
        loaded = self._read(house, plugin, stamp)
        with self._lock:
            self._loaded[key] = loaded
        return loaded

    def _read(self, house: House, plugin: str, stamp: str) -> _Loaded:
        believed: Mapping[str, float] = {}
        folder = self._data_dir / plugin
        try:
            if stamp != "-":
                folder = self.models(plugin).checked(stamp)
                believed = self.models(plugin).about(stamp).believed
        except WwtError as error:
            return _Loaded(stamp, None, {}, str(error))
        answer = house.hooks.only(plugin, "load_predictor", folder=folder)
        return _Loaded(stamp, answer.value if answer.ok else None, believed, answer.complaint)


def _key(house: House, plugin: str, stamp: str, version: str, workflow: str) -> tuple[Any, ...]:
    """What an opinion depends on. The plugin itself as well: with other options it may say something else."""
    return plugin, id(house.hooks.plugins.get(plugin)), stamp, version, workflow


def _ask(plugin: str, loaded: _Loaded, case: Case) -> Opinion:
    if loaded.predictor is None:
        return Opinion(plugin, "", "", (), loaded.trouble)
    try:
        (found,) = asked(loaded.predictor, [case])
    except PluginError as error:
        if not isinstance(error.__cause__, (WwtError, type(None))):  # nobody foresaw it
            log.warning("a prediction failed", extra={"plugin": plugin}, exc_info=error.__cause__)
        return Opinion(plugin, "", "", (), str(error))
    tasks = {task.path: task for task in case.workflow.tasks}
    untrained = loaded.stamp == "-"
    told = tuple(
        _expected(tasks.get(path) or Task(path), found, loaded.believed, untrained) for path in case.errors.tasks
    )
    first = next(iter(found), None)
    return Opinion(plugin, first.model if first else "", first.training_set if first else "", told)


def _expected(
    task: Task, predictions: Sequence[Prediction], believed: Mapping[str, float], untrained: bool
) -> Expected:
    shares, best = expected(predictions, task.path)
    if not shares:
        return Expected(task, "", 0.0, False)
    label, probability = shares[0]
    sure = untrained or probability >= believed.get(label, 2.0)
    given = {k: v for k, v in best.parameters.items() if k != "action"} if best else {}
    return Expected(task, label, probability, sure, tuple(shares[1:4]), given, best.why if best else ())
