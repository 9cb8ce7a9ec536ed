"""What a trial in the lab came to, as frozen dataclasses and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import WwtError
from wwt_framework.services.learning.scoring import Interval

#: What was not said: the voice abstained.
SILENT = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a voice says about one task. ``label`` "": nothing."""

    label: str = SILENT
    probability: float | None = None  # None: it does not say how sure it is
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One task of one past decision: what was decided, and what would have been said."""

    action: str  # Action.id: its page has the evidence
    workflow: str
    task: str  # Task.short
    family: str
    code: int  # most failed jobs of the task have it
    site: str  # most failed jobs of the task are there
    user: str
    at: datetime
    decided: str
    said: str  # "" where nothing was said
    usual: str  # what operators did before with that code, most often
    probability: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Tasks with something in common."""

    key: str
    tasks: int
    spoke: int
    agreed: int  # of those of which it spoke
    usual: int  # of the same: how often the usual action was what operators did


@dataclass(frozen=True)
class LabResult:
    """What came of one trial. All agreement is about tasks of which the voice spoke, unless it says otherwise."""

    id: str
    subject: str
    kind: str  # predictor, procedures, rule
    fingerprint: str  # of the rule as it was; "" for other kinds
    made_at: datetime
    user: str
    days: float
    since: datetime
    until: datetime
    decisions: int
    tasks: int
    families: int
    spoke: int
    agreed: int
    agreement: Interval
    usual: Interval  # agreement of: what was done before with that code, most often
    most: Interval  # agreement of: what was done before, most often
    gain: Interval  # agreement minus the better one of the two, paired
    by_code: tuple[Tally, ...] = ()
    by_site: tuple[Tally, ...] = ()
    by_action: tuple[Tally, ...] = ()  # key: what was decided
    confusion: tuple[tuple[str, str, int], ...] = ()  # decided, said ("" is nothing), tasks
    by_sureness: tuple[Tally, ...] = ()  # key: the least probability; of voices that say how sure they are
    differs: tuple[Row, ...] = ()  # the newest first
    differs_total: int = 0
    learnt: int = 0  # decisions it learnt from, all before `since`; 0: it learns nothing
    model: str = ""
    notes: tuple[str, ...] = ()  # what a reader must know of how far this can be trusted

    @property
    def coverage(self) -> float | None:
        """Share of the tasks of which it spoke."""
        return self.spoke / self.tasks if self.tasks else None

    @property
    def silent(self) -> int:
        """Tasks of which it said nothing."""
        return self.tasks - self.spoke


def plain_result(result: LabResult) -> dict[str, Any]:
    """*result* as JSON values."""
    plain = asdict(result)
    for key in ("made_at", "since", "until"):
        plain[key] = plain[key].isoformat()
    for row in plain["differs"]:
        row["at"] = row["at"].isoformat()
    return plain


def readable(contents: Iterable[Mapping[str, Any]]) -> list[LabResult]:
    """Those of *contents* that `result_of` can read, in their order: one of another version hides no other."""
    found = []
    for content in contents:
        try:
            found.append(result_of(content))
        except WwtError:
            continue
    return found


def result_of(plain: Mapping[str, Any]) -> LabResult:
    """What `plain_result` was given. Raises `WwtError` when it is of another shape."""
    try:
        told = dict(plain)
        for key in ("made_at", "since", "until"):
            told[key] = datetime.fromisoformat(told[key])
        for key in ("agreement", "usual", "most", "gain"):
            told[key] = Interval(**told[key])
        for key in ("by_code", "by_site", "by_action", "by_sureness"):
            told[key] = tuple(Tally(**one) for one in told[key])
        told["confusion"] = tuple((decided, said, n) for decided, said, n in told["confusion"])
        told["differs"] = tuple(Row(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in told["differs"])
        told["notes"] = tuple(told["notes"])
        return LabResult(**told)
    except (KeyError, TypeError, ValueError) as error:
        raise WwtError(f"this result of the lab was kept by another version; measure again ({error})") from error
