"""What ReqMgr2 tells of a request, as a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from wwt_framework.errors import SourceError
from wwt_framework.model import Task, Workflow

from ..._cms.parsing import shown, whole_number

#: Parameters that an operator never needs: they hold names of people, or are of no use outside.
_LEFT_OUT = frozenset({"RequestorDN", "_id", "_rev", "RequestWorkflow", "DQMUploadProxy"})


def documents(answer: Any, where: str) -> dict[str, Mapping[str, Any]]:
    """Name -> request, of ``{"result": [{name: {...}, ...}, ...]}``; empty when nothing matched."""
    result = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(result, list):
        raise SourceError(f'{where}: expected {{"result": [...]}}, got {shown(answer)}')
    found: dict[str, Mapping[str, Any]] = {}
    for entry in result:
        if not isinstance(entry, Mapping):
            raise SourceError(f"{where}: expected requests by name, got {shown(entry)}")
        for name, document in entry.items():
            if not isinstance(document, Mapping):
                raise SourceError(f"{where}: expected an object for {shown(name)}, got {shown(document)}")
            found[name] = document
    return found


def names(answer: Any, where: str) -> list[str]:
    """Names of requests, of ``{"result": [name, ...]}`` as ``detail=false`` gives them."""
    result = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(result, list) or not all(isinstance(name, str) for name in result):
        raise SourceError(f'{where}: expected {{"result": [names]}}, got {shown(answer)}')
    return list(result)


def read(name: str, document: Mapping[str, Any], failure_rate: float | None = None) -> Workflow:
    """The workflow *name*; what the request does not tell stays unknown."""
    chain = [(key, part) for key, part in _chain(document)]
    return Workflow(
        name,
        prep_id=_text(document.get("PrepID")) or _first(part.get("PrepID") for _, part in chain),
        campaign=_text(document.get("Campaign")) or _first(part.get("Campaign") for _, part in chain),
        request_type=_text(document.get("RequestType")),
        status=_text(document.get("RequestStatus")),
        priority=whole_number(document.get("RequestPriority")),
        requested_at=_date(document.get("RequestDate")),
        original=_text(document.get("OriginalRequestName")),
        estimated_jobs=whole_number(document.get("TotalEstimatedJobs")) or None,  # 0: not estimated yet
        failure_rate=failure_rate,
        tasks=tuple(_tasks(name, document, chain)),
        parameters={key: _cleaned(value) for key, value in document.items() if key not in _LEFT_OUT},
    )


def _cleaned(value: Any) -> Any:
    """*value* without the certificate names of the people who moved the request on."""
    if isinstance(value, Mapping):
        return {key: _cleaned(inner) for key, inner in value.items() if key != "DN"}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value


def _chain(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tasks of a TaskChain or the steps of a StepChain, in their order."""
    for word in ("Task", "Step"):
        n = whole_number(document.get(f"{word}Chain")) or 0
        for number in range(1, min(n, 100) + 1):
            part = document.get(f"{word}{number}")
            if isinstance(part, Mapping):
                yield word, part


def _tasks(name: str, document: Mapping[str, Any], chain: list[tuple[str, Mapping[str, Any]]]) -> Iterator[Task]:
    """The tasks that process events, where the request tells their paths (WMCore WMSpec/StdSpecs).

    A task that reads what another one wrote stands below it, and below the merge of it where that is kept.
    """
    if document.get("RequestType") == "ReReco":
        yield Task(f"/{name}/DataProcessing", "Processing", _text(document.get("SplittingAlgo")))
        return
    paths: dict[str, tuple[str, bool]] = {}
    for word, part in chain:
        own, parent = _text(part.get("TaskName") or part.get("StepName")), _text(part.get("InputTask"))
        if not own or "/" in own or (word == "Step" and paths):  # the steps of a StepChain run inside one task
            continue
        if not parent:
            path = f"/{name}/{own}"
        elif parent in paths:
            above, kept = paths[parent]
            module = _text(part.get("InputFromOutputModule"))
            path = f"{above}/{parent}Merge{module}/{own}" if kept and module else f"{above}/{own}"
        else:
            continue
        paths[own] = path, part.get("KeepOutput") is not False
        generates = not parent and not part.get("InputDataset")
        yield Task(path, "Production" if generates else "Processing", _text(part.get("SplittingAlgo")))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _first(values: Iterator[Any]) -> str:
    return next((text for value in values if (text := _text(value))), "")


def _date(value: Any) -> datetime | None:
    """RequestDate, [year, month, day, hour, minute, second] in UTC."""
    if not isinstance(value, list) or len(value) < 3 or not all(whole_number(part) is not None for part in value):
        return None
    year, month, day, hour, minute, second, *_ = (*map(int, value[:6]), 0, 0, 0)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
