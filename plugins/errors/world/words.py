"""What the failed jobs of the made-up grid say. The texts have the shapes of real ones; files and hosts are made up."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from wwt_framework.model import ChainLink, LogExcerpt

from .grid import Made
from .sites import NOISE, SITES

_FATAL = (
    "An exception of category '{category}' occurred while\n"
    "   [0] Processing  Event run: 1 lumi: {lumi} event: {event} stream: 0\n"
    "   [1] {what}\n"
    "Exception Message:\n{message}\n"
)
_READ = (
    "Failed to open the file '/store/mc/{lfn}'\n"
    "   Additional Info:\n"
    "      [a] Input file root://xrootd.{host}//store/mc/{lfn} could not be opened.\n"
    "      [b] XrdCl::File::Open(name='root://xrootd.{host}//store/mc/{lfn}', flags=0x10) => error "
    "'[ERROR] Server responded with an error: [3011] No servers are available to read the file.'"
)
_MISSING = "The files of a job could not be found: /store/mc/{lfn}; the fallback procedure failed, too."
_KILLED = "The job was killed by the WMAgent for using too much wallclock time (WMAgent)\n"

#: exit code -> (error type, text, follow-on errors)
_TEXTS: dict[int, tuple[str, str, tuple[tuple[str, int | None], ...]]] = {
    8028: ("Fatal Exception", "FallbackFileOpenError\n" + _READ, (("WMAgentStepExecutionError", 8028),)),
    8021: ("Fatal Exception", "FileReadError\n" + _READ, (("WMAgentStepExecutionError", 8021),)),
    92: ("Fatal Exception", _MISSING, (("CMSSWStepFailure", 92),)),
    8001: (
        "Fatal Exception",
        _FATAL.replace("{category}", "ProductNotFound").replace("{what}", "Calling method for module GenFilter/'gen'"),
        (("WMAgentStepExecutionError", 8001),),
    ),
    139: (
        "CMSSWStepFailure",
        """Adding last 25 lines of CMSSW stdout:
A fatal system signal has occurred: segmentation violation
The following is the call stack containing the origin of the signal.""",
        (),
    ),
    137: ("CMSSWStepFailure", "Adding last 25 lines of CMSSW stdout:\n/srv/job/WMTaskSpace/cmsRun1: Killed", ()),
    50660: (
        "PerformanceKill",
        """Error in CMSSW step cmsRun1
Number of Cores: 1
Job has exceeded maxPSS: 2000 MB
Job has PSS: {memory} MB
""",
        (("CMSSWStepFailure", 143),),
    ),
    50664: (
        "PerformanceKill",
        """Error in CMSSW step cmsRun1
Number of Cores: 1
Job has been running for more than: 159600.0
Job has been running for: {seconds}.0
""",
        (("CMSSWStepFailure", 143),),
    ),
    71304: ("JobKilled", _KILLED + "Job last known status was: Running", ()),
    71305: ("JobKilled", _KILLED + "Job status was Pending.\nJob last known status was: Idle", ()),
    71104: ("SubmitFailed", "The job can run only at a site that is in drain: {site}", ()),
    99303: (
        "NoJobReport",
        """Could not find jobReport

========== condor.{lumi}.err ==========
Adding end of condor.err, if there is one
wn-{lumi}.{host}: connection lost""",
        (),
    ),
    99109: (
        "Misc. StageOut error: 99109\n",
        """gfal-copy error: 70 (Communication error on send)
SRM_PUT error on the turl request: se.{host} did not answer""",
        (("LogArchiveFailure", 60307),),
    ),
    60311: ("StageOutFailure", "Local stage out failure using site specific plugin at se.{host}", ()),
    60450: ("NoOutput", "No output files present in the report", ()),
    50115: (
        "BadFWJRXML",
        """Error reading XML job report file, possibly corrupt XML File:
Details: no element found: line 1, column 0""",
        (("CMSSWStepFailure", 139),),
    ),
    8501: ("Fatal Exception", "EventGenerationFailure\nThe generator returned no event after 1000 tries.", ()),
    11003: ("JobExtractionError", "Failed to extract Job {event}\n{event}", ()),
}


def excerpts(made: Made, exit_codes: frozenset[int]) -> list[LogExcerpt]:
    """At most three sites for each task and exit code of *exit_codes*."""
    groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for task, code, site, count in made.cells:
        if code in exit_codes and code in _TEXTS:
            groups[task, code].append((count, site))
    return [
        _excerpt(made, task, code, site, count)
        for (task, code), cells in groups.items()
        for count, site in sorted(cells, reverse=True)[:3]
    ]


def _excerpt(made: Made, task: int, code: int, site: int, count: int) -> LogExcerpt:
    path, name = made.workflow.tasks[task].path, (SITES + NOISE)[site]
    number = int(hashlib.sha256(f"{path} {code}".encode()).hexdigest()[:12], 16)
    lfn = f"{made.workflow.campaign}/{number % 97:05d}/{number:012X}.root"
    error_type, template, follow = _TEXTS[code]
    text = template.format(
        lfn=lfn, host=f"{name.lower().replace('_', '-')}.example.org", site=name, lumi=number % 997,
        event=number % 99991, memory=2000 + number % 900, seconds=159_600 + number % 5000,
        message=f"Principal::getByToken: Found zero products matching all criteria, module {number % 17}",
    )  # fmt: skip
    chain = (ChainLink(error_type.strip(), code), *(ChainLink(kind, after) for kind, after in follow))
    files = (f"/store/mc/{lfn}",) if "{lfn}" in template else ()
    return LogExcerpt(path, code, name, error_type.strip(), text, count=count, chain=chain, files=files)
