"""The parameters that operators give, as the original's form had them (WorkflowWebTools, makeparams.js)."""

from __future__ import annotations

from wwt_framework.plugin import Field

#: Into how many pieces a job is cut; max: one unit of work per job.
SPLITTINGS = ("2x", "3x", "10x", "20x", "50x", "100x", "200x", "max")
_SWITCH = ("enabled", "disabled")


def splitting(per_task: bool) -> Field:
    return Field(
        "splitting", "Splitting", "choice", SPLITTINGS, per_task=per_task,
        help="how many times smaller each job is made; max: as small as it goes",
    )  # fmt: skip


def memory(per_task: bool) -> Field:
    return Field(
        "memory", "Memory", "integer", per_task=per_task, minimum=100, maximum=200_000, unit="MB",
        help="memory of one job; blank: as it was",
    )  # fmt: skip


def cores(per_task: bool) -> Field:
    return Field(
        "cores",
        "Cores",
        "integer",
        per_task=per_task,
        minimum=1,
        maximum=256,
        help="cores of one job; blank: as it was",
    )


XROOTD = Field(
    "xrootd", "Read input from elsewhere (xrootd)", "choice", _SWITCH, per_task=True,
    help="whether jobs may run where their input is not; blank: as it was",
)  # fmt: skip
SECONDARY = Field(
    "secondary", "Read pileup from elsewhere (secondary)", "choice", _SWITCH, per_task=True,
    help="whether jobs may run where the pileup is not; blank: as it was",
)  # fmt: skip
SITES = Field("sites", "Sites", "sites", per_task=True, help="where the task may run")
