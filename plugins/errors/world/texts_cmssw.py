"""What the application says when it gives up: blocks of "An exception of category ...".

The shape is that of CMSSW's cms::Exception; the same exit code tells different stories,
and which one depends on what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from .texts_input import CATEGORIES, MODULES, OPENING, READING, RECOVERY, block, open_error, pfn, unreadable, where
from .texts_scene import Names, Scene


def fatal(code: int, scene: Scene, names: Names, again: int = 0) -> str:
    """The exception that ended the job with *code*; *again*: the same job said so before."""
    if again:
        return _after_the_first(code, names, again)
    if code in READING:
        return unreadable(code, scene, names)
    tell = _STORIES.get((code, scene.evidence)) or _STORIES.get((code, "")) or _unexpected
    return tell(code, names)


def _after_the_first(code: int, names: Names, again: int) -> str:
    doing = (
        "Calling endJob",
        "Calling endRun",
        "Calling endLumi",
        "cleaning up files after the primary fatal exception",
    )
    frames = ["Rethrowing an exception that happened on a different thread.", doing[again % len(doing)], *RECOVERY]
    error = f"{open_error(pfn(names), 'Source used after fatal exception.')}'"
    return block(CATEGORIES.get(code, "StdException"), frames, error if code in READING else "")


# -- everything else the application may say --------------------------------------


def _unexpected(code: int, names: Names) -> str:
    category = CATEGORIES.get(code, "Unknown")
    said = names.rng.choice(
        ("A std::exception was thrown.", "An unknown exception was thrown.", "basic_string::_M_create")
    )
    return block(category, where(names), said)


def _child(_code: int, names: Names) -> str:
    frames = [f"Processing global begin Run run: {names.run}", f"Calling method for module {MODULES[4]}"]
    return block("ExternalLHEProducer", frames, f"Child failed with exit code {names.rng.choice((1, 1, 1, 2, 127))}.")


def _hadronizer(_code: int, names: Names) -> str:
    frames = [f"Processing begin LuminosityBlock run: {names.run} lumi: {names.lumi} stream: 0", where(names)[2]]
    script = names.rng.choice(("run_generic_tarball_cvmfs.sh", "run_JHUGen_tarball.sh", "run_powheg_tarball.sh"))
    return block(
        "BaseHadronizer", frames, f"Failed to execute script {script}: the gridpack was made for another release"
    )


def _plugin(_code: int, names: Names) -> str:
    library = f"/cvmfs/cms.cern.ch/{names.arch}/cms/cmssw/{names.release}/lib/{names.arch}/pluginGeneratorInterface.so"
    frames = ["Constructing the EventProcessor", "Constructing module: class=ExternalLHEProducer"]
    return block("PluginLibraryLoadError", frames, f"unable to load {library} because undefined symbol: lhapdf6_getPDF")


def _no_space(_code: int, names: Names) -> str:
    frames = [*where(names)[:1], "Calling OutputModule RAWSIMoutput", "Calling LocalFile::write()"]
    file = f"{names.work}/WMTaskSpace/cmsRun1/RAWSIMoutput.root"
    error = f"write() failed with system error 'No space left on device' (error code 28) on {names.node}:{file}"
    return block("FileWriteError", frames, error)


def _wrong_format(_code: int, names: Names) -> str:
    frames = [*OPENING[:3], f"Opening {pfn(names)}"]
    return block(
        "WrongFileFormat", frames, f"The file {names.lfn} has no Events tree; it is not a file of this format."
    )


def _frontier(_code: int, names: Names) -> str:
    channel = names.rng.randrange(1, 3)
    lines = [
        f"Request {names.rng.randrange(100, 2400)} on chan {channel} failed at {names.when:%a %b %d %H:%M:%S %Y}: -6 "
        "[fn-urlparse.c:178]: Server has signalled Global Error [FrontierProd Error: too many connections]"
        for _ in range(names.rng.randrange(1, 5))
    ]
    lines.append(f"No more proxies. Last error was: Request on chan {channel} timed out at squid.{names.host}")
    return block("StdException", where(names), "A std::exception was thrown.\n" + "\n".join(lines))


def _alloc(_code: int, names: Names) -> str:
    said = "A std::bad_alloc exception was thrown.\nThe job has probably exhausted the virtual memory available to it."
    return block("BadAlloc", where(names), said)


def _no_event(_code: int, names: Names) -> str:
    tried = names.rng.choice((100, 1000, 10_000))
    frames = [*where(names)[:1], f"Calling method for module {MODULES[5]}"]
    return block("EventGenerationFailure", frames, f"Unable to generate a valid event after {tried} tries.")


def _bad_tune(_code: int, names: Names) -> str:
    frames = [*where(names)[:1], f"Calling method for module {MODULES[5]}"]
    said = "Pythia8 could not be set up: parameter 'MultipartonInteractions:pT0Ref' is not known; tune block ignored"
    return block("EventGenerationFailure", frames, said)


def _configuration(_code: int, names: Names) -> str:
    frames = ["Constructing the EventProcessor", "Constructing input source of type PoolSource"]
    said = f"No such module, or parameter 'fileNames' of PoolSource has no usable entry for {names.lfn}"
    return block("Configuration", frames, said)


def _corruption(_code: int, names: Names) -> str:
    said = f"SimG4CoreApplication exception in generation of event run {names.run} event {names.event}"
    return block("EventCorruption", where(names), f"{said}\nError in advancing propagation.")


def _mismatch(_code: int, names: Names) -> str:
    branch = names.rng.choice(("edmErrorSummaryEntrys_logErrorHarvester__RECO.", "TotemDigis_ctppsPixelDigis__RECO."))
    said = (
        "The product lists of the input files differ, and strict merging was asked for.\n"
        f"Branch '{branch}' is in file '{pfn(names)}'\n    but not in previous files."
    )
    return block("MismatchedInputFiles", ["Calling InputSource::readFile_"], said)


def _no_product(code: int, names: Names) -> str:
    label = names.rng.choice(("genParticles", "generalTracks", "ak4PFJets", "simMuonGEMDigis"))
    said = f"Principal::getByToken: Found zero products matching all criteria\nLooking for module label: {label}"
    return block(CATEGORIES[code], where(names), said)


def _secondary(_code: int, names: Names) -> str:
    said = f"RootEmbeddedFileSequence no input files specified for secondary input source of {names.release}."
    return block(
        "NoSecondaryFiles", ["Constructing the EventProcessor", "Constructing module: class=MixingModule"], said
    )


def _old_format(_code: int, names: Names) -> str:
    said = f"The file {names.lfn} was written by a newer release than {names.release}; its schema can not be read."
    return block("FormatIncompatibility", OPENING[:3], said)


Story = Callable[[int, Names], str]


def _any_of(*stories: Story) -> Story:
    return lambda code, names: names.rng.choice(stories)(code, names)


#: (exit code, evidence) -> who tells it; evidence "" fits all causes of the code
_STORIES: dict[tuple[int, str], Story] = {
    (8001, ""): _any_of(_child, _child, _unexpected), (8001, "configuration"): _any_of(_hadronizer, _plugin),
    (8001, "site-outage"): _any_of(_no_space, _frontier), (8001, "corrupt-file"): _wrong_format,
    (8001, "memory"): _alloc, (8001, "transient"): _frontier, (8001, "missing-file"): _wrong_format,
    (8002, "site-outage"): _frontier, (8002, "transient"): _frontier, (8002, "configuration"): _plugin,
    (8004, ""): _alloc, (8006, ""): _no_product, (8007, ""): _no_product, (8009, ""): _configuration,
    (8016, ""): _corruption, (8023, ""): _mismatch, (8026, ""): _no_product, (8027, ""): _old_format,
    (8029, ""): _secondary, (8033, ""): _no_space, (8501, ""): _no_event, (8501, "configuration"): _bad_tune,
    (7001, ""): _configuration, (7002, ""): _configuration, (8009, "site-outage"): _frontier,
}  # fmt: skip
