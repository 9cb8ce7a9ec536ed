"""Training every predictor on what operators did, judging it on what they did later, and letting it count if it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version as version_of
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.plugin import History, Predictor, Progress, TrainingReport
from wwt_framework.services.learning.history import Past
from wwt_framework.services.learning.judging import Always, Judged, Procedures, judge, sure_of, thresholds
from wwt_framework.services.learning.models import About, Models, Which, turn
from wwt_framework.services.learning.reporting import plain
from wwt_framework.services.learning.scoring import Said, Scores, difference, score
from wwt_framework.services.learning.splitting import Part, split

#: Shares of the past: what is learnt from, and the newest part, on which it is judged.
SHARES = (0.75, 0.25)
#: A new model may be worse than the one that counts by this share of its log-loss: so much is noise.
_NOISE = 0.01
#: The job that trains all predictors.
TRAIN = "train"
#: What every model is compared with.
ALWAYS, PROCEDURES = "always the same", "procedures"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What became of one predictor."""

    plugin: str
    about: About | None = None  # None: there is no new model
    scores: Scores | None = None
    counts: bool = False  # whether the new model counts from now on
    words: str = ""  # why, or why there is none
    failed: bool = False  # it was to be trained, and could not be

    @property
    def line(self) -> str:
        """The same in a line that names it."""
        return self.words if self.words.startswith(self.plugin) else f"{self.plugin}: {self.words}"


@dataclass(frozen=True)
class Training:
    """What a training came to."""

    learnt: Part
    judged: Part
    trained: tuple[Trained, ...]
    baselines: tuple[Scores, ...]

    @property
    def text(self) -> str:
        """One line for the log and for /jobs."""
        return "; ".join(one.line for one in self.trained) or "no predictor can be trained"

    @property
    def failed(self) -> bool:
        """Whether a predictor failed; the others are as their lines say."""
        return any(one.failed for one in self.trained)


@dataclass(frozen=True)
class How:
    """How to train: *force*: a new model counts even when it is worse; *shadow*: it counts beside the old one only."""

    force: bool = False
    shadow: bool = False
    plugins: Sequence[str] = ()  # none: all that can be trained
    rounds: int = 200  # of the bootstrap


@dataclass(frozen=True)
class _Made:
    """A model that was trained, and is not judged yet."""

    into: Path
    report: TrainingReport
    predictor: Predictor


@dataclass(frozen=True)
class _Round:
    """What all models of one training have in common."""

    judged: Judged
    how: How
    version: str
    now: datetime


def trainable(hooks: Hooks, wanted: Sequence[str] = ()) -> list[str]:
    """The plugins that can be trained, or those of *wanted*, by full or short name. Raises `WwtError`."""
    known = hooks.implementing("train_predictor")
    if not wanted:
        return known
    short = {name.partition(".")[2]: name for name in known}
    strange = [name for name in wanted if name not in known and name not in short]
    if strange:
        raise WwtError(f"no predictor {strange[0]!r} can be trained; there are: {', '.join(known) or 'none'}")
    return [name if name in known else short[name] for name in wanted]


def train(hooks: Hooks, data_dir: Path, history: Past, how: How, now: datetime, tell: Tell) -> Training:
    """Train on the older part of *history*, judge on the newest. Raises `WwtError` when there is too little of it.

    Two trainings of one installation come one after the other.
    """
    plugins = trainable(hooks, how.plugins)
    with turn(data_dir, tell):
        return _train(hooks, data_dir, plugins, history, how, now, tell)


def _train(
    hooks: Hooks, data_dir: Path, plugins: Sequence[str], history: Past, how: How, now: datetime, tell: Tell
) -> Training:
    tell("splitting the past by time and by family")
    learnt, judged = split(history, SHARES)
    version = f"{now:%Y%m%d-%H%M%S}"
    made: dict[str, _Made] = {}
    without: dict[str, Trained] = {}
    for plugin in plugins:
        tell(f"training {plugin}")
        found = _train_one(hooks, Models(data_dir, plugin), plugin, learnt, version, tell)
        if isinstance(found, Trained):
            without[plugin] = found
        else:
            made[plugin] = found
    tell("judging on later decisions")
    asked = {plugin: one.predictor for plugin, one in made.items()}
    olds = {f"{plugin} as it was": old for plugin in made if (old := current(hooks, data_dir, plugin)) is not None}
    beside: dict[str, Predictor] = {ALWAYS: Always(learnt.labels), PROCEDURES: Procedures(hooks)}
    all_of_them = _Round(judge(judged.history, {**asked, **olds, **beside}), how, version, now)
    trained = [without.get(plugin) or _kept(Models(data_dir, plugin), made[plugin], all_of_them) for plugin in plugins]
    truth, said = all_of_them.judged.truth, all_of_them.judged.said
    baselines = tuple(score(truth, said[name], how.rounds) for name in beside)
    return Training(learnt, judged, tuple(trained), baselines)


def current(hooks: Hooks, data_dir: Path, plugin: str) -> Predictor | None:
    """The model of *plugin* that counts; None when there is none, or it can not be loaded any more."""
    models = Models(data_dir, plugin)
    try:
        version = models.which().current
        folder = models.checked(version) if version else None
    except WwtError:
        return None
    answer = hooks.only(plugin, "load_predictor", folder=folder) if folder else None
    return answer.value if answer is not None and answer.ok else None


def learnt_by(
    hooks: Hooks, plugin: str, history: History, into: Path, progress: Progress
) -> tuple[TrainingReport, Predictor] | None:
    """What *plugin* learns of *history*, kept in the folder *into*; None: there is too little. Raises `WwtError`."""
    answer = hooks.only(plugin, "train_predictor", history=history, into=into, progress=progress)
    if answer.ok and answer.value is None:
        return None
    loaded = hooks.only(plugin, "load_predictor", folder=into) if answer.ok else answer
    if not loaded.ok:
        raise WwtError(loaded.complaint)
    if loaded.value is None:
        raise WwtError(f"{plugin}: it reported a model, and load_predictor found none in its folder")
    if not isinstance(answer.value.training_set, str) or not isinstance(answer.value.decisions, int):
        raise WwtError(
            f"{plugin}, train_predictor: expected a report with decisions, a number, and training_set, a text; "
            f"got {answer.value.decisions!r:.40} and {answer.value.training_set!r:.40}"
        )
    return answer.value, loaded.value


def _train_one(hooks: Hooks, models: Models, plugin: str, part: Part, version: str, tell: Tell) -> _Made | Trained:
    """The model, or why there is none."""
    try:
        into = models.begin(version)
    except WwtError as error:
        return Trained(plugin, words=str(error), failed=True)
    try:
        made = learnt_by(hooks, plugin, part.history, into, lambda _, doing: tell(f"{plugin}: {doing}"))
        if made is not None:
            return _Made(into, *made)
        told = Trained(plugin, words="too little to learn from; nothing changed")
    except WwtError as error:
        told = Trained(plugin, words=str(error), failed=True)
    models.discard(into)
    return told


def _kept(models: Models, made: _Made, training: _Round) -> Trained:
    """What becomes of the model that was *made*; one that can not be kept changes nothing."""
    try:
        return _keep(models, made, training)
    except WwtError as error:
        models.discard(made.into)
        return Trained(models.plugin, words=str(error), failed=True)


def _keep(models: Models, made: _Made, training: _Round) -> Trained:
    judged, how, report = training.judged, training.how, made.report
    if models.plugin in judged.failed:
        models.discard(made.into)
        return Trained(models.plugin, words=judged.failed[models.plugin], failed=True)
    said = judged.said[models.plugin]
    believed = thresholds(judged.truth, said)
    scores = score(judged.truth, replace(said, sure=sure_of(said, believed)), how.rounds)
    fits, words = _compare(judged, said, judged.said.get(f"{models.plugin} as it was"))
    counts = (fits or how.force) and not how.shadow
    if how.shadow:
        words = f"runs in shadow; {words}"
    elif not fits:
        words = f"{words}; {'it counts all the same' if how.force else 'the old one stays'}"
    about = models.keep(
        made.into,
        About(
            models.plugin, f"{training.version}-{_stem(report.training_set)}", training.now, report.training_set,
            report.decisions, report.text, version_of("scikit-learn"), believed, plain(scores), words,
        ),
    )  # fmt: skip
    which = models.which_or_none()
    if counts:
        models.take(about.version)
    elif how.shadow:
        models.choose(Which(which.current, about.version, which.previous))
    return Trained(models.plugin, about, scores, counts, words)


def _stem(training_set: str) -> str:
    """The beginning of *training_set*, fit for the name of a folder."""
    return "".join(c for c in training_set if c.isascii() and c.isalnum())[:6] or "0"


def _compare(judged: Judged, new: Said, old: Said | None) -> tuple[bool, str]:
    """Whether *new* is not worse than *old*, and how they compare, in words."""
    if old is None:
        return True, "the first model"
    before = score(judged.truth, old, 0).numbers["log_loss"].value
    apart = difference(judged.truth, new, old, "log_loss", 200)
    if apart.value is None or before is None:
        return True, "nothing to compare with"
    told = f"log-loss {before + apart.value:.4f}, before {before:.4f}"
    return (True, f"not worse: {told}") if apart.value <= _NOISE * before else (False, f"worse: {told}")


def evaluate(
    hooks: Hooks, data_dir: Path, history: Past, predictors: Mapping[str, Predictor], rounds: int = 500
) -> tuple[Judged, list[Scores]]:
    """What *predictors* say of all of *history*, and their numbers."""
    found = judge(history, predictors)
    scored = []
    for name, said in found.said.items():
        models = Models(data_dir, name)
        version = models.which().current if name in hooks.implementing("load_predictor") else ""
        believed = models.about(version).believed if version else None
        sure = None if believed is None else sure_of(said, believed)
        scored.append(score(found.truth, replace(said, sure=sure), rounds))
    return found, scored
