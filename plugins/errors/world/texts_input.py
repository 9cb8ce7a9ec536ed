"""What a job says that could not read its input: which file, at whose storage, and what that answered."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from .texts_scene import Names, Scene

#: exit code -> category of the exception (FWCore/Utilities/interface/EDMException.h)
CATEGORIES = {
    7001: "ConfigFileNotFound", 7002: "ConfigFileReadError", 8001: "StdException", 8002: "StdException",
    8003: "Unknown", 8004: "BadAlloc", 8006: "ProductNotFound", 8007: "DictionaryNotFound", 8009: "Configuration",
    8010: "LogicError", 8011: "UnimplementedFeature", 8012: "InvalidReference", 8015: "EventTimeout",
    8016: "EventCorruption", 8020: "FileOpenError", 8021: "FileReadError", 8022: "FatalRootError",
    8023: "MismatchedInputFiles", 8026: "NotFound", 8027: "FormatIncompatibility", 8028: "FallbackFileOpenError",
    8029: "NoSecondaryFiles", 8033: "FileWriteError", 8501: "EventGenerationFailure",
}  # fmt: skip

#: Codes of a job that could not read its input.
READING = frozenset({8020, 8021, 8022, 8028})

OPENING = (
    "Constructing the EventProcessor",
    "Constructing input source of type PoolSource",
    "Calling RootFileSequenceBase::initTheFile()",
    "Calling StorageFactory::open()",
    "Calling XrdFile::open()",
)
RECOVERY = (
    "XrdAdaptor::ClientRequest::HandleResponse() failure while running connection recovery",
    "Handling XrdAdaptor::RequestManager::requestFailure()",
    "In XrdAdaptor::RequestManager::OpenHandler::HandleResponseWithHosts()",
)
_PATHS = ("generation_step", "simulation_step", "digitisation_step", "datamixing_step", "reconstruction_step")
MODULES = (
    "OscarProducer/'g4SimHits'", "DataMixingModule/'mixData'", "MixingModule/'mix'", "PFProducer/'particleFlowTmp'",
    "ExternalLHEProducer/'externalLHEProducer'", "Pythia8HadronizerFilter/'generator'",
    "SeedGeneratorFromRegionHitsEDProducer/'lowPtTripletStepSeeds'", "LogErrorHarvester/'logErrorHarvester'",
)  # fmt: skip
_BRANCHES = (
    "EventAuxiliary", "recoCaloClusters_hgcalLayerClusters_sharing_RECO", "recoTracks_generalTracks__RECO",
    "FEDRawDataCollection_rawDataCollector__LHC", "SimTracks_g4SimHits__SIM",
)  # fmt: skip


def block(category: str, frames: Sequence[str], message: str = "", info: Sequence[str] = ()) -> str:
    """One exception as CMSSW prints it."""
    lines = [f"An exception of category '{category}' occurred while"]
    lines += [f"   [{i}] {frame}" for i, frame in enumerate(frames)]
    if message:
        lines += ["Exception Message:", message]
    if info:
        lines += ["   Additional Info:"]
        lines += [f"      [{letter}] {line}" for letter, line in zip(ascii_lowercase, info, strict=False)]
    return "\n".join(lines) + "\n"


def pfn(names: Names, host: str = "") -> str:
    """The job's file at *host*, or at the storage that it asks first."""
    return f"root://{host or names.host}/{names.lfn}"


def open_error(address: str, error: str) -> str:
    """How the client of xrootd says that *address* could not be opened."""
    return f"XrdCl::File::Open(name='{address}', flags=0x10, permissions=0660) => error '{error}"


def where(names: Names) -> list[str]:
    """What the application was at: event, path, module."""
    rng = names.rng
    return [
        f"Processing  Event run: {names.run} lumi: {names.lumi} event: {names.event} stream: {rng.randrange(8)}",
        f"Running path '{rng.choice(_PATHS)}'",
        f"Calling method for module {rng.choice(MODULES)}",
    ]


# -- input that can not be read ---------------------------------------------------

#: evidence -> what the storage answers, in the order of (errno, code)
_ANSWERS = {
    "missing-file": (
        "[ERROR] Server responded with an error: [3011] No servers are available to read the file.\n' (errno=3011, code=400)",
        "[ERROR] Server responded with an error: [3011] Unable to open file {lfn}; no such file or directory\n' (errno=3011, code=400)",
        "[ERROR] Server responded with an error: [3005] Unable to open {lfn}; file does not exist in the namespace\n' (errno=3005, code=400)",
    ),
    "site-outage": (
        "[FATAL] Connection error' (errno=0, code=108)",
        "[ERROR] Server responded with an error: [3014] Unable to open file {lfn}; Network is unreachable\n' (errno=3014, code=400)",
        "[ERROR] Operation expired' (errno=0, code=206)",
    ),
    "transient": (
        "[ERROR] Socket timeout' (errno=0, code=103)",
        "[ERROR] Server responded with an error: [3012] Internal timeout\n' (errno=3012, code=400)",
        "[FATAL] Redirect limit has been reached' (errno=0, code=306)",
    ),
    "": (
        "[ERROR] Operation expired' (errno=0, code=206)",
        "[ERROR] Socket error' (errno=0, code=102)",
        "[ERROR] Server responded with an error: [3005] Unable to open file {lfn}\n' (errno=3005, code=400)",
    ),
}  # fmt: skip


def unreadable(code: int, scene: Scene, names: Names) -> str:
    """The exception of a job that could not read its input; *code* is one of ``READING``."""
    if scene.evidence == "corrupt-file":
        return _damaged(code, names)
    answers = _ANSWERS.get(scene.evidence, _ANSWERS[""])
    if code == 8028:
        return _twice_unopened(answers, names)
    error = names.rng.choice(answers).format(lfn=names.lfn)
    source = f"{names.host}:1095"
    info = [
        f"Original error: '{error} , source={source} (unknown site).",
        f"Original failed source is {source} (unknown site)",
        f"Disabled source: {source}",
    ]
    if scene.evidence == "transient" and names.rng.random() < 0.5:
        info.insert(1, f"Source {source} (site {scene.site}) => Source used after fatal exception.")
    frames = list(OPENING[:2]) if names.rng.random() < 0.5 else where(names)
    if code == 8020:
        return block("FileOpenError", [*OPENING, *RECOVERY], f"Failed to open the file '{pfn(names)}'", info)
    cached = f"Unable to cache 134217728 byte file segment at {names.rng.randrange(30) * 134_217_728}:\n "
    head = cached if names.rng.random() < 0.3 else ""
    frames += [f"Reading branch {names.rng.choice(_BRANCHES)}", "Calling XrdFile::readv()", *RECOVERY]
    return block(CATEGORIES[code], frames, head + open_error(pfn(names), error), info)


def _twice_unopened(answers: Sequence[str], names: Names) -> str:
    """The first choice failed, and so did the federation."""
    far = names.rng.choice(("xrootd-cms.example.org", "cms-xrd-global.example.org", "xrootd-redirector.example.org"))
    near, other = (names.rng.choice(answers).format(lfn=names.lfn) for _ in "12")
    if "directory" in near and names.rng.random() < 0.6:
        failed = f"open() failed with system error 'No such file or directory' (error code 2) for /pnfs/{names.host}{names.lfn}"
    else:
        failed = f"{open_error(pfn(names), near)}. No additional data servers were found."
    both = (
        f"Input file {pfn(names)} could not be opened. Fallback Input file {pfn(names, far)} also could not be opened."
    )
    info = [
        failed, f"Last URL tried: root://{names.host}:1095/{names.lfn}?tried=",
        f"Problematic data server: {names.host}:1095", f"Disabled source: {names.host}:1095",
        f"{both} Original exception info is above; fallback exception info is below.",
        f"{open_error(pfn(names, far), other)}. No additional data servers were found.",
        f"Last URL tried: {pfn(names, far)}?tried=",
    ]  # fmt: skip
    return block("FallbackFileOpenError", OPENING, f"Failed to open the file '{pfn(names, far)}'", info)


def _damaged(code: int, names: Names) -> str:
    rng, branch = names.rng, names.rng.choice(_BRANCHES[1:])
    told = rng.randrange(200_000, 400_000)
    at, entry, bits = rng.randrange(10**9, 5 * 10**9), rng.randrange(900), f"{rng.getrandbits(24):06x}"
    roots = (
        f"TBranchElement::GetBasket\nFile: {pfn(names)} at byte:{at}, branch:{branch}.present, entry:{entry}, badread=1",
        f"TStorageFactoryFile::ReadBuffersSync\nStorage::readv returned different size result={told} expected={told * 2}",
        f"R__unzip_header\nError in header.  Values: {bits}",
        f"TFile::Init\nfile {pfn(names)} is truncated at {told} bytes: should be {told * 7}, trying to recover",
    )
    root = f"Fatal Root Error: @SUB={rng.choice(roots)}"
    if code in (8028, 8020):
        told_file = f"Failed to open the file '{pfn(names)}'"
        return block(CATEGORIES[code], OPENING[:3], told_file, [root, f"Input file {pfn(names)} could not be opened."])
    frames = [
        *where(names),
        "Rethrowing an exception that happened on a different thread.",
        f"Reading branch {branch}.",
    ]
    return block(CATEGORIES[code], frames, "", [root, f"Reading data from {pfn(names)}"])
