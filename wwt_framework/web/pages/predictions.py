"""Predictions as JSON (`/predict`), the history that they are made of (`/actionshistory`), and the models (`/predictors`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.services.learning import beside, files, reporting
from wwt_framework.services.learning.beside import Compared
from wwt_framework.services.learning.forecasts import PLAIN, Forecast
from wwt_framework.services.learning.models import About, Models, Which
from wwt_framework.services.learning.scoring import METRICS
from wwt_framework.services.learning.training import TRAIN
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.parameters import JsonFormat
from wwt_framework.web.render import redirect, render
from wwt_framework.web.responses import JSON, Response, as_json
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, page

#: What `/predict` says when there are no predictions; scripts look for these words.
OFF = "Suggestions turned off"
#: Bytes that are sent at once.
_PART = 65_536
_PICTURES = {"calibration": reporting.calibration_svg, "confusion": reporting.confusion_svg}


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/predict": predict,
        "/actionshistory": actionshistory,
        "/predictors": predictors,
        "/predictors/picture": picture,
        "/predictors/train": train,
        "/predictors/take": take,
        "/predictors/end_shadow": end_shadow,
    }


@page(json=True, answers=({"Action": str}, PLAIN))
def predict(workflow: str, format: JsonFormat = "") -> Response:  # noqa: A002  # as in ?format=
    """What models expect: ``{"Action": table in HTML}``, or "Suggestions turned off" in its place.

    ``format=json`` tells the same by name, with probabilities and reasons.
    """
    case = current_snapshot().case(workflow)
    if case is None:
        raise NotFound(f"There is no workflow {workflow[:400]} in what was fetched last.")
    told = current_app().forecasts.of(case, current_snapshot().version)
    if format == "json":
        return as_json(told.plain())
    if told.off or not told.opinions:
        return as_json({"Action": OFF})
    return as_json({"Action": _table(told)})


def _table(told: Forecast) -> str:
    text: str = current_exchange().room.templates.get_template("_predictiontable.html").render(told=told)
    return text


_PAST = {"errors": {"good_sites": {str: {str: int}}, "bad_sites": {str: {str: int}}}, "parameters": {str: Any}}


@page(json=True, answers={str: _PAST})
def actionshistory() -> Response:
    """Past actions with the errors that operators saw: ``{"/workflow/task": {errors, parameters}}``, as it is made.

    ``errors``: ``{"good_sites": {code: {site: n}}, "bad_sites": ...}``; good sites were ready (green) at that time.
    """
    return Response(b"", JSON, stream=_grouped(files.old_json(current_app().store)))


def _grouped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """*parts*, some together: each that is sent costs a little."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _PART:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


# -- the models ----------------------------------------------------------------


@dataclass(frozen=True)
class PredictorLine:
    """One predictor of this installation."""

    plugin: str
    trained: bool  # whether it is trained here
    which: Which
    models: tuple[About, ...]  # the newest first
    trouble: str = ""
    unusable: str = ""  # why the model that counts is not loaded: it is of another version, or was changed
    measured: str = ""  # its newest result in the lab
    unreadable: tuple[str, ...] = ()  # of what other models nothing is known, and why
    beside: Compared | None = None  # the model in shadow and the one that counts; None: nothing was counted

    @property
    def current(self) -> About | None:
        return next((one for one in self.models if one.version == self.which.current), None)

    @property
    def has_others(self) -> bool:
        """Whether another model can count in the place of the one that does."""
        return any(one.version != self.which.current for one in self.models)

    @property
    def shadow(self) -> About | None:
        return next((one for one in self.models if one.version == self.which.shadow), None)


@page(answers=[PredictorLine])
def predictors(format: JsonFormat = "") -> Response:  # noqa: A002  # as in ?format=
    """Which models there are, how good each was on decisions that came later, and which one counts."""
    house, app = current_house(), current_app()
    trainable = house.hooks.implementing("train_predictor")
    measured = ledger.newest_lab_results(app.store)
    found = [
        replace(_line(name, name in trainable), measured=measured.get(name, ""))
        for name in house.hooks.implementing("load_predictor")
    ]
    if format == "json":
        return as_json(found)
    run = next(iter(ledger.runs(app.store, 1, name=TRAIN)), None)
    return render(
        "predictors.html", lines=found, run=run, metrics=METRICS, off=not house.config.house.predict,
        may_train=current_user().may("admin") and bool(trainable),
    )  # fmt: skip


def _line(plugin: str, trained: bool) -> PredictorLine:
    models = current_app().forecasts.models(plugin)
    if not trained:
        return PredictorLine(plugin, False, Which(), ())
    try:
        which, counted = models.which(), beside.of(models)
    except WwtError as error:
        return PredictorLine(plugin, True, Which(), (), str(error))
    abouts, unreadable = [], []
    for version in models.versions():
        try:
            abouts.append(models.about(version))
        except WwtError as error:
            if version != which.current:  # of that one it is told why it is not loaded
                unreadable.append(str(error))
    told = beside.compared(counted) if counted else None
    return PredictorLine(
        plugin, True, which, tuple(abouts), unusable=_unusable(models, which), unreadable=tuple(unreadable), beside=told
    )


def _unusable(models: Models, which: Which) -> str:
    try:
        if which.current:
            models.checked(which.current)
    except WwtError as error:
        return str(error)
    return ""


@page()
def picture(plugin: str, version: str, kind: str) -> Response:
    """The calibration curve or the confusion matrix of one model, as SVG."""
    if kind not in _PICTURES:
        raise Refused(400, f"kind can be {' or '.join(_PICTURES)}, not {kind[:40]!r}.")
    report = _models(plugin).about(version).report
    if not report:
        raise NotFound(f"The model {version} was never judged.")
    drawn = _PICTURES[kind](report, f"{kind} of {plugin} {version}")
    return Response(drawn.encode(), "image/svg+xml", headers={"Cache-Control": "private, max-age=3600"})


def _models(plugin: str) -> Any:
    """Raises `NotFound` for what is no predictor: it becomes part of a path."""
    if plugin not in current_house().hooks.implementing("load_predictor"):
        raise NotFound(f"There is no predictor {plugin[:100]!r} in this installation.")
    return current_app().forecasts.models(plugin)


@page(role="admin", methods=("POST",))
def train(shadow: str = "") -> Response:
    """Have all predictors trained now, in a process of its own; with *shadow* beside those that count."""
    app, user = current_app(), current_user().name
    run = app.clockwork.request(TRAIN, user, **({"shadow": True} if shadow else {}))
    ledger.write_down(app.store, user, "asked for a training", run)
    return redirect("/predictors")


@page(role="admin", methods=("POST",))
def take(plugin: str, version: str) -> Response:
    """Have a model count, whatever the validation says of it."""
    models = _models(plugin)
    models.checked(version)
    models.take(version)
    ledger.write_down(current_app().store, current_user().name, "chose a model", plugin, version=version)
    return redirect("/predictors")


@page(role="admin", methods=("POST",))
def end_shadow(plugin: str) -> Response:
    """Have no model in shadow any more; it stays on disk for a while."""
    models = _models(plugin)
    which = models.which()
    if which.shadow:
        models.choose(replace(which, shadow=""))
        ledger.write_down(current_app().store, current_user().name, "ended a shadow", plugin, version=which.shadow)
    return redirect("/predictors")
