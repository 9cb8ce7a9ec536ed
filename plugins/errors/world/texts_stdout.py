"""What agents add around an error: frames of WMException, the last lines of a program's output, traces.

Shapes as WMCore writes them (WMSpec/Steps/WMExecutionFailure, Steps/Diagnostics/CMSSW.py).
"""

from __future__ import annotations

from .texts_scene import Names, Scene

_START, _END = "<@========== WMException Start ==========@>", "<@---------- WMException End ----------@>"
_SIGNALS = {
    132: "Illegal instruction", 133: "Trace/breakpoint trap", 134: "Aborted                 (core dumped)",
    135: "Bus error               (core dumped)", 136: "Floating point exception", 137: "Killed",
    139: "Segmentation fault      (core dumped)", 143: "Terminated",
}  # fmt: skip
_FUNCTIONS = (
    "edm::Worker::runModule", "edm::EventProcessor::runToCompletion()", "TStorageFactoryFile::ReadBuffer(char*, int)",
    "edm::RootFile::readCurrentEvent(edm::EventPrincipal&)", "XrdAdaptor::RequestManager::handle",
    "gep::Pythia8Interface::generate()", "G4SteppingManager::DefinePhysicalStepLength()", "std::rethrow_exception",
    "edm::stream::EDProducerAdaptorBase::doEvent", "tbb::internal::custom_scheduler::local_wait_for_all",
    "G4TransportationManager::InactivateAll()", "edm::convertException::wrap<bool>", "full_read.constprop",
)  # fmt: skip
_LIBRARIES = (
    "libFWCoreFramework.so", "libUtilitiesXrdAdaptor.so", "libUtilitiesStorageFactory.so", "libSimG4CoreApplication.so",
    "pluginFWCoreServicesPlugins.so", "libGeneratorInterfacePythia8Interface.so",
)  # fmt: skip
_WARNINGS = (
    "Too many Tau ({n}) for uGT Configuration maxTau =8",
    "Failed to load tracker track trajectory, it will not be used",
    "Invalid hit while tracking: the step is too small, event {event}",
    "pile-up source has less than {n} events left",
)


def exception(kind: str, message: str, code: int, names: Names, fields: tuple[str, ...] = ()) -> str:
    """One WMException in its frame; *fields*: lines beside the usual ones."""
    module = "WMCore.Storage.StageOutError" if kind.startswith("StageOut") else "WMCore.WMSpec.Steps.WMExecutionFailure"
    lines = [
        _START, f"Exception Class: {kind}", f"Message: {message}", "\tClassName : None", f"\tModuleName : {module}",
        "\tMethodName : __init__", "\tClassInstance : None",
        f"\tFileName : {names.work}/WMCore.zip/{module.replace('.', '/')}.py", *(f"\t{line}" for line in fields),
        "\tLineNumber : 18", f"\tErrorNr : {code}", "", "Traceback: ", "", _END,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def arguments(names: Names) -> str:
    """How cmsRun was called; some agents show that they are of the second Python."""
    arch = f"u'{names.arch}'" if names.lumi % 9 == 0 else f"'{names.arch}'"
    script = f"{names.work}/WMTaskSpace/cmsRun1/cmsRun1-main.sh"
    return (
        f"{{'arguments': ['/bin/bash', '{script}', '', {arch}, 'scramv1', 'CMSSW', '{names.release}', "
        "'FrameworkJobReport.xml', 'cmsRun', 'PSet.py', '', '', '']}"
    )


def run_type(code: int, names: Names) -> str:
    """The message that stands where a type is expected."""
    return f"Error running cmsRun\n{arguments(names)}\nCMSSW Return code: {code}\n"


def run_failure(code: int, names: Names) -> str:
    """That cmsRun failed, in a frame."""
    return exception("CmsRunFailure", f"Error running cmsRun\n{arguments(names)}\nReturn code: {code}\n", code, names)


def in_cmssw(code: int, scene: Scene, names: Names, said: str) -> str:
    """What stands under ``run_type``: the end of the output now and then, and the frame."""
    tail = f"{_last_lines(code, scene, names, said)}\n" if names.rng.random() < 0.55 else ""
    return f"Error in CMSSW: {code}\n{run_failure(code, names)}{tail}"


def stdout(code: int, scene: Scene, names: Names, said: str) -> str:
    """The last lines of the program's output, and a frame."""
    return f"Adding last 25 lines of CMSSW stdout:\n{_last_lines(code, scene, names, said)}\n{run_failure(code, names)}"


def stderr(code: int, scene: Scene, names: Names) -> str:
    """An extra error, so that there is one."""
    area = f"{names.work}/WMTaskSpace/cmsRun1"
    lines = [
        "Adding extra error in order to hold error report", "", "Adding last ten lines of CMSSW stderr:",
        "WARNING: In non-interactive mode release checks e.g. deprecated releases, production architectures are disabled.",
        f"WARNING: There already exists {area}/{names.release} area for SCRAM_ARCH {names.arch}.",
    ]  # fmt: skip
    signal = 143 if scene.exit_code in (50660, 50664) else code
    if signal in _SIGNALS:
        number = names.rng.randrange(200, 270) if names.work == "/srv/job" else names.rng.randrange(10_000, 4_000_000)
        lines.append(
            f"{area}/cmsRun1-main.sh: line 81: {number} {_SIGNALS[signal]} $EXECUTABLE -j $JOB_REPORT $CONFIGURATION 2>&1"
        )
    return "\n".join(lines) + "\n"


def bad_xml(names: Names) -> str:
    """The job report ends too early, or never began."""
    at = "line 1, column 0" if names.lumi % 5 else f"line {names.rng.randrange(2, 900)}, column 0"
    return f"Error reading XML job report file, possibly corrupt XML File:\nDetails: no element found: {at}"


def _last_lines(code: int, scene: Scene, names: Names, said: str) -> str:
    if code in (132, 133, 134, 135, 136, 139):
        lines = _trace(names, names.rng.randrange(14, 25))
    elif code == 143 and scene.evidence in ("", "site-outage", "transient"):
        lines = [*_messages(names, 6), *_trace(names, 12)] if names.rng.random() < 0.35 else _messages(names, 24)
    elif said and names.rng.random() < 0.4:
        stamp = f"{names.when:%d-%b-%Y %H:%M:%S} UTC"
        begin = f"----- Begin Fatal Exception {stamp}-----------------------"
        lines = [
            "%MSG",
            begin,
            *said.rstrip().split("\n"),
            "----- End Fatal Exception -------------------------------------",
        ]
    else:
        lines = [*_messages(names, names.rng.randrange(24)), *_summary(names), *_times(scene, names)]
    if names.rng.random() < (0.6 if scene.evidence in ("site-outage", "transient") else 0.3):
        lines += _socket_errors(names)
    lines = [*lines[-23:], "Complete", f"process id is {names.rng.randrange(200, 270)} status is {code}"]
    return "\n".join(lines)


def _trace(names: Names, depth: int) -> list[str]:
    top = names.rng.randrange(0, 18)
    base = f"/cvmfs/cms.cern.ch/{names.arch}/cms/cmssw/{names.release}/lib/{names.arch}"
    frames = [
        f"#{top + i:<2d} 0x0000{names.rng.getrandbits(48):012x} in {_function(names)} () "
        f"from {base}/{names.rng.choice(_LIBRARIES)}"
        for i in range(depth)
    ]
    if names.rng.random() < 0.004:  # memory, printed as if it were a name
        frames.append("#99 handle(name= Y\x7f\x00\x00 \x00\x00`?Z\x7f\x00\x00, état=\ufffd)")
    return frames


def _function(names: Names) -> str:
    """A function of the trace; one in five is a template, with its arguments spelled out."""
    plain = names.rng.choice(_FUNCTIONS)
    if names.rng.random() > 0.2:
        return plain
    traits = "edm::OccurrenceTraits<edm::EventPrincipal, (edm::BranchActionType)1>"
    return f"decltype ({{parm#1}}()) {plain}<{traits}>({traits}::MyPrincipal const&, edm::EventSetup const&, edm::StreamID)"


def _messages(names: Names, count: int) -> list[str]:
    lines = []
    for i in range(count // 3 + 1):
        told = names.rng.choice(_WARNINGS).format(n=names.rng.randrange(2, 90), event=names.event)
        stamp = f"{names.when:%d-%b-%Y %H:%M:%S} UTC"
        lines += [
            f"%MSG-w L1TGlobal:  L1TGlobalProducer:simGtStage2Digis {stamp}  Run: {names.run} Event: {names.event + i}",
            told,
            "%MSG",
        ]
    return lines


def _summary(names: Names) -> list[str]:
    warnings, errors = names.rng.randrange(1, 70_000), names.rng.randrange(1, 700)
    first = names.rng.randrange(3, 800)
    return [
        *(f"{first + i:5d} {word:<20} pre-events" for i, word in enumerate(("XrdAdaptor", "XrdAdaptorInternal", "fileAction"))),
        f"{first + 3:5d} Fatal Exception      Run: {names.run}", "",
        "    Severity    # Occurrences   Total Occurrences", "    --------    -------------   -----------------",
        f"    Warning     {warnings:13d}   {warnings:17d}", f"    Error       {errors:13d}   {errors:17d}", "",
        f"dropped waiting message count {names.rng.randrange(0, 5400)}",
    ]  # fmt: skip


def _times(scene: Scene, names: Names) -> list[str]:
    total = scene.wall_s or names.rng.uniform(300, 40_000)
    busy = total * names.rng.uniform(0.2, 0.99)
    return [
        f"TimeReport> Time report complete in {total:.6g} seconds", " Time Summary: ",
        f" - Avg event:   {names.rng.uniform(5, 300):.6g}", f" - Total loop:  {busy:.6g}", f" - Total job:   {total:.6g}",
        f" Event Throughput: {names.rng.uniform(0.001, 0.3):.6g} ev/s", " CPU Summary: ",
        f" - Total loop:  {busy * names.rng.uniform(0.3, 0.98) * scene.cores:.6g}",
    ]  # fmt: skip


def _socket_errors(names: Names) -> list[str]:
    stamp = f"{names.when:%Y-%m-%d %H:%M:%S}.{names.rng.randrange(10**6):06d} +0000"
    asked = f"kXR_open (file: {names.lfn}?tried=, mode: 0660, flags: kXR_open_read kXR_async kXR_retstat )"
    return [
        f"[{stamp}][Error  ][AsyncSock         ] [{names.host}:1095 #0.0] Socket error encountered: [ERROR] Socket error",
        f"[{stamp}][Error  ][XRootD            ] [{names.host}:1095] Unable to get the response to request {asked}",
    ]
