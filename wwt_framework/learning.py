"""What `wwt train`, `wwt evaluate` and `wwt export-history` do."""

from __future__ import annotations

import getpass
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from wwt_framework.app import App
from wwt_framework.errors import WwtError
from wwt_framework.job_runs import progress_of
from wwt_framework.plugin import Predictor
from wwt_framework.running import app_of
from wwt_framework.services.learning import beside, files, history, reporting
from wwt_framework.services.learning.judging import Always, Procedures
from wwt_framework.services.learning.models import Models
from wwt_framework.services.learning.splitting import split
from wwt_framework.services.learning.training import (
    ALWAYS,
    PROCEDURES,
    How,
    Trained,
    evaluate,
    learnt_by,
    train,
    trainable,
)

Say = Callable[[str], None]
#: `wwt evaluate`: what is learnt from, and what it is judged on.
_SHARES = (0.7, 0.3)


def _history(app: App, given: Sequence[Path], say: Say) -> history.Past:
    """What *given* files tell; without any, what operators of this installation did."""
    if not given:
        return history.stored(app.store)
    told: set[str] = set()

    def once(complaint: str) -> None:  # a history is read several times
        if complaint not in told:
            told.add(complaint)
            say(complaint)

    return history.joined(*(files.read_history(file, once) for file in given))


def train_now(
    path: Path,
    given: Sequence[Path],
    how: How,
    say: Say,
    complain: Say,
    run: str | None = None,
    text: str | None = None,
) -> str:
    """Train the predictors of the installation at *path*; returns what it came to in a line.

    Where there is too little to learn from, that is what it came to. *run*: /jobs shows how far it is.
    """
    with app_of(path, text) as app:
        progress = progress_of(app.store, run)

        def tell(doing: str) -> None:
            say(doing)
            progress(None, doing)

        past, now, house = _history(app, given, complain), app.store.now(), app.house
        beside.count(house.hooks, house.config.house.data_dir, history.stored(app.store), now, tell)
        try:
            found = train(house.hooks, house.config.house.data_dir, past, how, now, tell)
        except WwtError as error:
            if run:  # of the clock, day by day: no failure
                return f"nothing was trained: {error}"
            raise
        scores = [*found.baselines, *(one.scores for one in found.trained if one.scores is not None)]
        say(f"learnt from {found.learnt.decisions:,} decisions, judged on {found.judged.decisions:,} later ones")
        for line in reporting.lines(scores):
            say(line)
        for one in found.trained:
            say(_outcome(one))
        if found.failed:
            raise WwtError(found.text)
        return found.text


def _outcome(one: Trained) -> str:
    if one.about is None:
        return one.line
    return f"{one.plugin} {one.about.version}: {one.about.text}; {one.words}{' - it counts now' if one.counts else ''}"


def evaluate_now(
    path: Path,
    given: Sequence[Path],
    plugins: Sequence[str],
    rounds: int,
    pictures: Path | None,
    say: Say,
    complain: Say,
) -> None:
    """Train every predictor on the older part of the past, in a folder that is gone then, and judge it on the newer."""
    with app_of(path) as app, tempfile.TemporaryDirectory(prefix="wwt-evaluate-") as name:
        hooks, folder = app.house.hooks, Path(name)
        learnt, judged = split(_history(app, given, complain), _SHARES)
        say(
            f"learnt from {learnt.decisions:,} decisions before {judged.since:%Y-%m-%d %H:%M} UTC, "
            f"judged on {judged.decisions:,} later ones of other families"
        )
        predictors: dict[str, Predictor] = {ALWAYS: Always(learnt.labels), PROCEDURES: Procedures(hooks)}
        for plugin in trainable(hooks, plugins):
            into = Models(folder, plugin).begin("now")
            try:
                made = learnt_by(hooks, plugin, learnt.history, into, lambda *_: None)
            except WwtError as error:
                complain(str(error))
                continue
            if made is None:
                complain(f"{plugin}: too little to learn from")
            else:
                predictors[plugin] = made[1]
        found, scores = evaluate(hooks, folder, judged.history, predictors, rounds)
        for plugin, why in found.failed.items():
            complain(f"{plugin}: {why}")
        for line in reporting.lines(scores):
            say(line)
        if pictures is not None:
            _draw(pictures, [reporting.plain(one) for one in scores], say)


def _draw(folder: Path, reports: Sequence[dict[str, object]], say: Say) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(json.dumps(reports, indent=2), encoding="utf-8")
    for report in reports:
        name = str(report["name"])
        stem = name.replace(" ", "-")
        for kind, draw in (("calibration", reporting.calibration_svg), ("confusion", reporting.confusion_svg)):
            (folder / f"{stem}-{kind}.svg").write_text(draw(report, f"{kind} of {name}"), encoding="utf-8")
    say(f"pictures and scores.json are in {folder}")


def import_history(path: Path, given: Sequence[Path], say: Say, complain: Say) -> None:
    """Take over the decisions of *given* files, with what was seen then; those that are here already are left alone."""
    with app_of(path) as app:
        for file in given:
            count, known = history.take_over(app.store, files.read_history(file, complain), getpass.getuser())
            say(f"{file}: {count:,} decisions kept, {known:,} were here already")


def export_history(path: Path, file: Path, say: Say) -> None:
    """Write what operators did into *file*."""
    if file.exists():
        raise WwtError(f"{file} is there already; name another file, or move it away")
    with app_of(path) as app:
        count = files.write_history(file, app.store)
        say(f"{count:,} {'decisions' if '.jsonl' in file.suffixes else 'tasks'} written to {file}")
