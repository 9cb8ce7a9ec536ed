"""What the text of one failed job depends on, and the names that stand in it: files, hosts, folders, releases.

A cause is heard only through what it leaves behind: the files, the host, the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random


@dataclass(frozen=True, slots=True)
class Scene:
    """One failed job before it is put into words. What is left empty is drawn."""

    task: str  # Task.path
    exit_code: int
    site: str
    key: int = 0  # all variety of words comes from it
    number: int = 0  # of several jobs in one cell
    evidence: str = ""  # the cause that the text speaks of; "": a text that fits any cause of this code
    at: datetime = datetime(2019, 6, 24, tzinfo=timezone.utc)
    campaign: str = "RunIIFall17wmLHEGS"
    files: tuple[str, ...] = ()  # LFNs that the failure is about
    culprit: str = ""  # the site that is to blame, where the evidence is a site
    host: str = ""  # its storage
    memory_mb: int = 0  # what the job used
    memory_limit_mb: int = 2000
    cores: int = 1
    wall_s: int = 0  # how long it ran
    wall_limit_s: int = 159_600
    old_words: bool = False  # as agents spoke until February 2019: shell codes, RSS


@dataclass(frozen=True, slots=True)
class Names:
    """The names in one job's texts, drawn once so that all its errors speak of the same things."""

    rng: Random
    lfn: str
    host: str  # of the storage that is asked
    node: str  # where the job ran
    work: str  # the job's folder there
    release: str
    arch: str
    when: datetime
    run: int
    lumi: int
    event: int


_RELEASES = (
    ("CMSSW_8_0_31", "slc6_amd64_gcc530"), ("CMSSW_9_4_7", "slc6_amd64_gcc630"), ("CMSSW_9_3_14", "slc6_amd64_gcc630"),
    ("CMSSW_10_2_5", "slc6_amd64_gcc700"), ("CMSSW_7_1_38", "slc6_amd64_gcc481"), ("CMSSW_10_6_11", "slc7_amd64_gcc700"),
    ("CMSSW_12_4_11_patch3", "el8_amd64_gcc10"),
)  # fmt: skip
_CAMPAIGN_RELEASES = (("Summer15", 4), ("Spring16", 0), ("Summer16", 0), ("17", 1), ("18", 3), ("UL", 5), ("Run3", 6))
_PRIMARY = (
    "QCD_HT700to1000_TuneCP5_13TeV-madgraph-pythia8", "TTToSemiLeptonic_TuneCP5_13TeV-powheg-pythia8",
    "DYJetsToLL_M-50_TuneCUETP8M1_13TeV-amcatnloFXFX-pythia8", "GluGluHToTauTau_M125_13TeV_powheg_pythia8",
    "WJetsToLNu_HT-400To600_TuneCP5_13TeV-madgraphMLM-pythia8", "SMS-T2tt_mStop-650_mLSP-350_TuneCP2_13TeV-madgraph",
    "ZZTo4L_M-1toInf_13TeV_powheg_pythia8", "BsToJpsiPhi_SoftQCDnonD_TuneCP5_13TeV-pythia8-evtgen",
)  # fmt: skip
_TIERS = ("GEN-SIM", "AODSIM", "MINIAODSIM", "LHE", "GEN-SIM-RAW", "DQMIO")
_WORK = (
    "/srv/job", "/srv/job", "/srv/job", "/pool/condor/dir_{a}/glide_{g}/execute/dir_{b}/job",
    "/storage/local/data1/condor/execute/dir_{a}/glide_{g}/execute/dir_{b}/job",
    "/scratch/condor/dir_{a}/glide_{g}/execute/dir_{b}/job", "/home/glidein_pilot/dir_{b}/job",
    "/srv/localstage/scratch/{a}.1.grid.q/gFeND{g}4gpn3dFDVpGiSQRqaTsoMnABFKDmhDMKDmO{g}64fm/glide_{g}/execute/dir_{b}/job",
)  # fmt: skip
_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def names(scene: Scene) -> Names:
    """The names for *scene*: the same ones for the same scene."""
    rng = Random(f"{scene.key} {scene.site} {scene.number}")
    workflow = Random(scene.task.split("/", 2)[1])  # one release and one dataset for all its jobs
    release, arch = _release(scene.campaign, workflow)
    glide = "".join(rng.choices(_ALPHABET, k=6))
    work = rng.choice(_WORK).format(a=rng.randrange(10_000, 950_000), b=rng.randrange(10_000, 50_000), g=glide)
    found = Names(
        rng, "", scene.host or storage(scene.culprit or scene.site), worker(scene.site, rng), work, release, arch,
        scene.at - timedelta(seconds=rng.randrange(600, 80_000)), rng.choice((1, 1, 1, 283_171, 316_700)),
        rng.randrange(1, 40_000), rng.randrange(1, 5_000_000),
    )  # fmt: skip
    lfn = rng.choice(scene.files) if scene.files else drawn_lfn(scene.campaign, workflow, rng)
    return replace(found, lfn=lfn)


def drawn_lfn(campaign: str, workflow: Random, rng: Random) -> str:
    """A file that nobody has, of the dataset that *workflow* draws."""
    primary, tier = workflow.choice(_PRIMARY), workflow.choice(_TIERS)
    version = f"PUMoriond17_{workflow.randrange(80, 120)}X_mcRun2_asymptotic_v{workflow.randrange(1, 18)}-v1"
    return f"/store/mc/{campaign}/{primary}/{tier}/{version}/{rng.randrange(1, 60) * 10_000}/{uuid(rng)}.root"


def uuid(rng: Random) -> str:
    """A name as files of jobs have it."""
    digits = f"{rng.getrandbits(128):032X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def storage(site: str) -> str:
    """The storage of *site* that answers to xrootd; none of these hosts exists."""
    return f"se.{_domain(site)}"


def worker(site: str, rng: Random) -> str:
    """A worker node of *site*."""
    return f"wn{rng.randrange(1, 400):03d}.{_domain(site)}"


def _domain(site: str) -> str:
    plain = site.removesuffix("_Disk").lower().replace("_", "-")
    return f"{plain}.example.org" if plain[:1] == "t" and plain[1:2].isdecimal() else "example.org"


def _release(campaign: str, workflow: Random) -> tuple[str, str]:
    for part, index in reversed(_CAMPAIGN_RELEASES):
        if part in campaign:
            return _RELEASES[index]
    return workflow.choice(_RELEASES)
