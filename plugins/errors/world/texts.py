"""What the failed jobs of the made-up grid say: every error of a job, in the order of its report.

The texts have the shapes of real ones, worded anew; files, hosts and accounts are made up.
They depend on what went wrong only as far as a job can know it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import texts_agent as agent
from . import texts_stdout as around
from .sites import SITES
from .texts_chains import RUN, SHELL, Chain, Link, chain_of
from .texts_cmssw import fatal
from .texts_input import READING
from .texts_scene import Names, Scene, names

FATAL = "Fatal Exception"
#: Of these one is named where a report has no site.
_SECOND_TIER = tuple(site for site in SITES if site.startswith("T2_") and not site.endswith("_Disk"))


class Said(NamedTuple):
    """One error of a job: in which step, of which type, with which code, in which words."""

    step: str  # cmsRun1, stageOut1, logArch1, PerformanceError, NoJobReport, ...
    error_type: str  # not an enumeration: whole messages occur
    exit_code: int
    details: str


def job(scene: Scene) -> tuple[Said, ...]:
    """All errors of one failed job, first cause first as far as its report knows; the same ones for the same scene."""
    found = names(scene)
    chain = chain_of(scene, found.rng)
    code = SHELL.get(scene.exit_code) or next((link.exit_code for link in chain if link.error_type == FATAL), 0)
    exception = fatal(code, scene, found) if code else ""
    it = _Once(scene, found, exception, agent.stage_out(scene, found) if _stages_out(chain) else "")
    said: list[Said] = []
    again = 0
    for link in chain:
        kind = around.run_type(link.exit_code, found) if link.error_type == RUN else link.error_type
        if kind == FATAL:
            details = fatal(link.exit_code, scene, found, again) if again else exception
            again += 1
        elif link.error_type in _DETAILS:
            details = _DETAILS[link.error_type](link, it)
        else:
            details = agent.plain(link.exit_code, link.step, ())
        said.append(Said(link.step, kind, link.exit_code, details))
    return tuple(said)


class _Once(NamedTuple):
    """One job, and what several of its errors repeat."""

    scene: Scene
    names: Names
    exception: str
    stage_out: str


def _stages_out(chain: Chain) -> bool:
    return any(link.step == "stageOut1" and link.error_type != "ReportManipulatingError" for link in chain)


def telling(said: tuple[Said, ...], code: int) -> Said:
    """The error that says most about why the job ended with *code*."""
    fatal_code = SHELL.get(code, code)
    for error_type in (FATAL, "PerformanceKill"):
        for one in said:
            if one.error_type == error_type and one.exit_code in (code, fatal_code):
                return one
    return next((one for one in said if one.exit_code == code and one.error_type != "ReportManipulatingError"), said[0])


def named_files(scene: Scene, said: tuple[Said, ...]) -> tuple[str, ...]:
    """Input files that the texts of a job name."""
    if not any(one.exit_code in READING for one in said):
        return ()
    lfn = names(scene).lfn
    return (lfn,) if any(lfn in one.details for one in said) else ()


def _submitted(link: Link, it: _Once) -> str:
    known = link.exit_code if link.exit_code in (71101, 71102, 71103, 71104, 71105) else 71105
    site = it.scene.culprit or it.scene.site
    return agent.plain(known, link.step, (site if site in SITES else it.names.rng.choice(_SECOND_TIER),))


def _archived(link: Link, it: _Once) -> str:
    return "'lfn-prefix'" if link.exit_code == 60405 else agent.stage_out(it.scene, it.names, twice=False)


def _ended(link: Link, it: _Once) -> str:
    return it.stage_out if link.step == "stageOut1" else around.run_failure(link.exit_code, it.names)


def _held(_link: Link, it: _Once) -> str:
    code = it.scene.exit_code
    return around.stderr({50660: 143, 50664: 143, 50115: 139}.get(code, code), it.scene, it.names)


#: error type -> what stands under it
_DETAILS: dict[str, Callable[[Link, _Once], str]] = {
    RUN: lambda link, it: around.in_cmssw(link.exit_code, it.scene, it.names, it.exception),
    "WMAgentStepExecutionError": _ended,
    "Misc. StageOut error: 99109\n": lambda link, it: f"Error in StageOut: {link.exit_code}\n{it.stage_out}",
    "StageOutFailure": lambda _link, it: it.stage_out,
    "LogArchiveFailure": _archived,
    "CMSSWStepFailure": lambda link, it: around.stdout(link.exit_code, it.scene, it.names, it.exception),
    "ErrorLoggingAddition": _held,
    "BadFWJRXML": lambda _link, it: around.bad_xml(it.names),
    "MissingJobReport": lambda _link, it: around.bad_xml(it.names),
    "CMSException": lambda _link, it: f"CMSException Exception from cmsRun\n{fatal(8001, it.scene, it.names)}",
    "PerformanceKill": lambda _link, it: agent.performance(it.scene, it.names),
    "NoJobReport": lambda _link, it: agent.no_report(it.scene, it.names),
    "RemovedByGLIDEIN": lambda _link, it: agent.no_report(it.scene, it.names),
    "JobKilled": lambda _link, it: agent.killed(it.scene, it.names),
    "SubmitFailed": _submitted,
    "MissingErrorReport": lambda link, _it: agent.plain(50116, link.step, ()),
    "NoRunLumiInformation": lambda _link, it: agent.no_lumis(it.names),
    "CreationFailure": lambda _link, it: agent.too_many_events(it.names),
    "JobExtractionError": lambda _link, it: agent.not_extracted(it.names),
    "BootstrapError": lambda _link, it: agent.not_extracted(it.names),
    "99997": lambda _link, it: agent.not_extracted(it.names),
    "SCRAMScriptFailure": lambda _link, it: agent.scram(it.names),
    "ExecutableNotFound": lambda _link, it: agent.scram(it.names),
    "ExecutableBadPermissions": lambda _link, it: agent.scram(it.names),
    "CondorError": lambda _link, it: agent.condor(it.names),
    "DQMUploadFailure": lambda _link, it: agent.upload(it.names),
}
