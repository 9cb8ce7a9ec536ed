"""What agents, monitors and batch systems say of jobs that did not get as far as the application's own words."""

from __future__ import annotations

from .texts_scene import Names, Scene, storage, uuid
from .texts_stdout import exception

#: exit code -> what the agent says (WMCore.WMExceptions.WM_JOB_ERROR_CODES, as of the years of these texts)
_PLAIN = {
    60450: "No output files present in the report",
    60451: "Output file lacked adler32 checksum (WMAgent).",
    50116: "Job Report contains no error report, but cmsRun exited non-zero: {code}",
    99996: "Failed to find a step report for {step}!",
    99999: "Could not find report file for step {step}!",
    71101: "No sites are available to submit the job because the location of its input(s) do not pass the site "
    "whitelist/blacklist restrictions (WMAgent)., and empty fileLocations",
    71102: "The job can only run at a site that is currently in Aborted state (WMAgent).{sites}",
    71103: "The job can only run at a site that is currently in Down state (WMAgent).{sites}",
    71104: "The job can run only at a site that is currently in Draining state (WMAgent).{sites}",
    71105: "The agent has no slots for the sites of this job (WMAgent).{sites}",
    71302: "The job was killed by the WMAgent because the site it was running at was set to Draining (WMAgent).",
    71303: "The job was killed by the WMAgent because the site it was running at was set to Down (WMAgent).",
    71300: "The job was killed by the WMAgent, reason is unknown (WMAgent).",
}
_STATES = {71304: "Running", 71305: "Pending", 71306: "Error"}


def plain(code: int, step: str, sites: tuple[str, ...]) -> str:
    """One of the agents' fixed sentences; site names are glued to them, as agents do."""
    return _PLAIN[code].format(code=code, step=step, sites=", ".join(sites))


def killed(scene: Scene, names: Names) -> str:
    """That the agent ended a job that took too long, or waited for too long."""
    if scene.exit_code not in _STATES:
        return plain(scene.exit_code if scene.exit_code in _PLAIN else 71300, "", ())
    state = _STATES[scene.exit_code]
    last = {"Pending": "Idle", "Running": "Running", "Error": "Held"}[state]
    text = f"The job was killed by the WMAgent for using too much wallclock time (WMAgent) Job status was {state}.\n"
    if scene.evidence in ("agent", "site-outage") and names.rng.random() < 0.7:
        last = {"agent": "Unknown", "site-outage": "Timeout"}[scene.evidence]
    return f"{text} Job last known status was: {last}"


def performance(scene: Scene, names: Names) -> str:
    """That a monitor ended the step, and over what."""
    lines = ["Error in CMSSW step cmsRun1", f"Number of Cores: {scene.cores}"]
    if scene.exit_code == 50664:
        ran = max(scene.wall_s, scene.wall_limit_s + 1) + names.rng.random() * 60
        lines += [
            f"Job has been running for more than: {scene.wall_limit_s:.1f}",
            f"Job has been running for: {ran:.6f}",
        ]
        if names.rng.random() < 0.007:
            lines.insert(1, "Job exceeded soft timeout")
        return "\n".join(lines) + "\n"
    limit = scene.memory_limit_mb
    used = max(scene.memory_mb, limit + 1)
    if scene.exit_code == 50661:
        return "\n".join([*lines, f"Job has exceeded maxVSize: {limit * 3} MB", f"Job has VSize: {used * 3} MB"]) + "\n"
    if scene.old_words:
        return "\n".join([*lines, f"Job has exceeded maxRSS: {limit}", f"Job has RSS: {used}"]) + "\n"
    return "\n".join([*lines, f"Job has exceeded maxPSS: {limit} MB", f"Job has PSS: {used} MB"]) + "\n"


# -- jobs without a report ---------------------------------------------------------


def no_report(scene: Scene, names: Names) -> str:
    """That there is no job report, and what the batch system left instead, if anything."""
    text = "Could not find jobReport"
    chance = {99400: 0.35, 99401: 0.95}.get(scene.exit_code, 0.66)
    if names.rng.random() > chance:
        return text
    number = names.rng.randrange(1, 9_000_000)
    if scene.exit_code == 99400 or names.rng.random() < 0.25:
        return f"{text}\nAdding end of condor.log to error message:\n{_condor_log(scene, names)}"
    err = f"{text}\n\n========== condor.{number}.err ==========\nAdding end of condor.{number}.err to error message:\n"
    return (
        f"{err}\n{_bootstrap(scene, names)}\n\n========== condor.{number}.log ==========\n{_condor_log(scene, names)}"
    )


def _bootstrap(scene: Scene, names: Names) -> str:
    if scene.evidence == "agent":
        return names.rng.choice((
            f"Failed to extract job index {names.event} from the jobPackage directory",
            "\x1b[0mError during job bootstrap: a sandbox must be specified",
            f"error reading from {names.work}/Report.{names.rng.randrange(4)}.pkl: no such file",
        ))  # fmt: skip
    if scene.evidence == "site-outage":
        return names.rng.choice((
            f"{names.node}: /cvmfs/cms.cern.ch: Transport endpoint is not connected",
            f"\x1b[0mError during job bootstrap: {names.node} has no CVMFS mounted",
            f"starter of {names.node} was shut down while the job ran",
        ))  # fmt: skip
    if scene.evidence == "memory":
        return f"{names.work}/cmsRun1-main.sh: line 81: Killed; memory of the slot is used up ({scene.memory_mb} MB)"
    return names.rng.choice((
        "Encountered error while running ExecuteMaster: Step cmsRun1 failed in the WN",
        f"error reading from {names.work}/wmagentJob.log",
        "Error reading XML job report file, possibly corrupt XML File",
    ))  # fmt: skip


def _condor_log(scene: Scene, names: Names) -> str:
    """Classads as the batch system logs them."""
    slot = f"slot1_{names.rng.randrange(1, 9)}@glidein_{names.rng.randrange(10**5)}_{names.rng.randrange(10**9)}@{names.node}"
    address = f"192.0.2.{names.rng.randrange(1, 255)}:{names.rng.randrange(10_000, 60_000)}"
    if scene.evidence in ("site-outage", "transient"):
        reason = f"Error from {slot}: SHADOW failed to receive file(s) from &lt;{address}&gt;; error reading from {names.work}/Report.0.pkl"
    elif scene.evidence == "memory":
        reason = f"Removed by SYSTEM_PERIODIC_REMOVE: memory usage {scene.memory_mb} MB of {scene.memory_limit_mb} MB"
    elif scene.evidence == "agent":
        reason = f"via condor_rm (by user cmsagent on {names.when:%Y-%m-%dT%H:%M:%S})"
    else:
        reason = f"Error from {slot}: STARTER at 192.0.2.7 failed to send file(s) to &lt;{address}&gt;"
    at = f"{names.when:%Y-%m-%dT%H:%M:%S}"
    return (
        f'<c>\n    <a n="MyType"><s>JobHeldEvent</s></a>\n    <a n="EventTime"><s>{at}</s></a>\n'
        f'    <a n="HoldReason"><s>{reason}</s></a>\n    <a n="Cluster"><i>{names.event}</i></a>\n'
        '    <a n="EventTypeNumber"><i>12</i></a>\n</c>'
    )


# -- stage-out ----------------------------------------------------------------------

_COPY_ERRORS = {
    "stage-out": (
        "gfal-copy error: 28 (No space left on device) - DESTINATION OVERWRITE srm-ifce err: space of the pool is used up",
        "gfal-copy error: 13 (Permission denied) - DESTINATION MAKE_PARENT the proxy is not mapped at {host}",
        "Run: [FATAL] Auth failed\nxrdcp: {host} refused to write /store/unmerged",
    ),
    "site-outage": (
        "gfal-copy error: 70 (Communication error on send) - DESTINATION SRM_PUT_TURL error on the turl request : {host} did not answer",
        "Run: [ERROR] Operation expired\n[FATAL] Invalid address",
        "gfal-copy error: 110 (Connection timed out) - Transfer canceled because the timeout expired",
    ),
    "transient": (
        "ERROR: Size or Checksum Mismatch between local and SE",
        "gfal-copy error: 16 (Device or resource busy) - Error reported from srm_ifce",
        "gfal-copy error: 17 (File exists) - DESTINATION SRM_PUT_TURL error on the turl request",
    ),
    "": (
        "gfal-copy error: 5 (Input/output error) - Error on XrdCl::CopyProcess::Run()",
        "Run: [ERROR] Server responded with an error: [3010] Unable to create file; permission denied",
        "GSS Minor Status Error Chain: CGSI-gSOAP running on {node} reports Error reading token data header",
    ),
}  # fmt: skip


def stage_out(scene: Scene, names: Names, twice: bool = True) -> str:
    """That the output could not be put into storage: the copy's command, what it said, and the fallback."""
    local = _copy_failure(scene, names, names.host, "local")
    text = f"Failure for {'fallback' if twice else 'local'} stage out:\n{local}"
    if twice and names.rng.random() < 0.6:
        text = f"{text}{_copy_failure(scene, names, storage('T1_US_FNAL_Disk'), 'fallback')}"
    return exception("StageOutFailure", text, 0, names, ("ErrorType : GeneralStageOutFailure",))


def _copy_failure(scene: Scene, names: Names, host: str, which: str) -> str:
    size, check = names.rng.randrange(10**6, 4 * 10**9), f"{names.rng.getrandbits(32):08x}"
    source = f"file://{names.work}/WMTaskSpace/cmsRun1/RAWSIMoutput.root"
    target = f"srm://{host}:8443/srm/managerv2?SFN=/store/unmerged/{scene.campaign}/{uuid(names.rng)}.root"
    said = names.rng.choice(_COPY_ERRORS.get(scene.evidence, _COPY_ERRORS[""])).format(host=host, node=names.node)
    command = (
        f"#!/bin/bash\n. $JOBSTARTDIR/startup_environment.sh\ndate\ngfal-copy -t 2400 -T 2400 -p -K adler32 {source} {target}\n"
        'EXIT_STATUS=$?\nif [[ $EXIT_STATUS != 0 ]]; then\n   echo "ERROR: gfal-copy exited with $EXIT_STATUS"\n'
        f'   echo "Cleaning up failed file:"\n   gfal-rm -t 600 {target}\nfi\nexit $EXIT_STATUS'
    )
    output = (
        f"Command exited non-zero, ExitCode:{names.rng.choice((5, 28, 70, 110, 151))}\nOutput: stdout: Local File Size is: {size}\n"
        f"Remote File Size is: \nLocal File Checksum is: {check}\nERROR: gfal-copy exited\nCleaning up failed file:\n"
        f"stderr: {said}\n"
    )
    fields = ("ErrorCode : 60311", f"Command : {command}", f"Protocol : {which}", "ExitCode : 151")
    return exception("StageOutError", output, 0, names, fields)


# -- the rest ----------------------------------------------------------------------


def no_lumis(names: Names) -> str:
    """That a merged file knows no luminosity sections."""
    return f"No run/lumi information in file (WMAgent)., file was {names.lfn}"


def too_many_events(names: Names) -> str:
    """That a file can not be processed in the life of a pilot."""
    lumis = 1 + names.rng.randrange(3)
    return f"File {names.lfn} has too many events ({names.rng.randrange(20_000, 300_000)}) in {lumis} lumi(s)"


def not_extracted(names: Names) -> str:
    """That the job's description is not in the sandbox."""
    return f"Failed to extract job index {names.event} from the jobPackage directory"


def scram(names: Names) -> str:
    """That the release could not be set up."""
    area = f"/cvmfs/cms.cern.ch/{names.arch}/cms/cmssw/{names.release}"
    said = names.rng.choice((
        f"Unable to create {names.release}: {area} does not exist",
        f"{names.node}: line 207: Bus error (core dumped) {area}/external/bin/python2.7 -m WMCore.WMRuntime.ScriptInvoke",
        "Error loading PSet: Failed to create a merge process.",
    ))  # fmt: skip
    return f"SCRAM scripts failed to run!\nError running command\n{said}"


def condor(names: Names) -> str:
    """That the job could not be handed to the batch system."""
    return f"Condor failed to submit: the schedd of vocms{names.rng.randrange(100, 310):04d}.example.org did not answer"


def upload(names: Names) -> str:
    """That monitoring plots could not be uploaded."""
    return f"HTTP upload failed with response: 500 of dqm.example.org for {uuid(names.rng)}.root"
