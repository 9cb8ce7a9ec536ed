"""A small world for the pages of one workflow: a request with two ACDCs, logs, lost input, and a few doubtful others."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import (
    ChainLink,
    ErrorCount,
    ExitCode,
    Known,
    LogExcerpt,
    Readiness,
    Recovery,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.snapshot import OLD, PARTIAL, UNKNOWN, Snapshot, SnapshotParts, open_snapshot, write

TAKEN = datetime(2019, 6, 24, 12, 3, tzinfo=timezone.utc)
PREP = "HIG-RunIIFall18wmLHEGS-00388"
ORIGINAL = f"pdmvserv_task_{PREP}__v1_T_181126_083424_8286"
FIRST = f"cmsunified_ACDC0_task_{PREP}__v1_T_181210_101500_1111"
SECOND = f"cmsunified_ACDC1_task_{PREP}__v1_T_190105_090000_2222"
ALONE = "someone_alone_190101_000000_1"
KEPT, BOUND, DARK = "kept_190101_000000_2", "bound_190101_000000_3", "dark_190101_000000_4"

GEN, MERGE = f"/{ORIGINAL}/{PREP}_0", f"/{ORIGINAL}/{PREP}_0/{PREP}_0MergeRAWSIMoutput"
TEXT = (
    "An exception of category 'FallbackFileOpenError' occurred while\n"
    "   [0] Constructing the EventProcessor\n"
    "Exception Message:\n"
    "Failed to open the file '/store/mc/a.root'\n"
    "   Additional Info:\n"
    "      [a] Input file root://x//store/mc/a.root could not be opened.\n"
)
HOSTILE_TEXT = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)>\n"
    "\x1b[31mred\x1b[0m bell \x07 nul \x00\n"
    "turned \u202egnp.exe \u2066isolated\u2069\n"
    "A&B \"quoted\" 'single' </pre></article>\n"
)

COUNTS = [
    ErrorCount(GEN, 8028, "T2_US_Purdue", 610),
    ErrorCount(GEN, 8028, "T1_US_FNAL", 90),
    ErrorCount(GEN, 71305, "T2_CH_CERN", 280),
    ErrorCount(GEN, -1, "T1_US_FNAL", 4),
    ErrorCount(MERGE, 8028, "T2_CH_CERN", 200),
    ErrorCount(MERGE, 99999, "T3_US_Somewhere", 20),
    ErrorCount(f"/{FIRST}/{PREP}_0", 8028, "T2_US_Purdue", 7),
    ErrorCount(f"/{ALONE}/Task 1", -1, "T1_US_FNAL", 2),
    ErrorCount(f"/{KEPT}/T", 85, "T1_US_FNAL", 5),
    ErrorCount(f"/{BOUND}/T", 85, "T1_US_FNAL", 6),
]


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=timezone.utc)


WORKFLOWS = [
    Workflow(
        ORIGINAL, PREP, "RunIIFall18wmLHEGS", "TaskChain", "running-closed", 110000, at(2018, 11, 26),
        estimated_jobs=24000, failure_rate=0.054,
        tasks=(Task(GEN, "Production", "EventBased"), Task(MERGE, "Merge", "ParentlessMergeBySize")),
        parameters={
            "RequestType": "TaskChain", "SubRequestType": "MC", "Memory": 4000, "Multicore": 8, "TotalEstimatedJobs": 24000,
            "SiteWhitelist": ["T1_US_FNAL", "T2_CH_CERN"], "Comment": "<b>not bold</b>",
            "Task1": {"TaskName": "gen", "Memory": 2000}, "Task2": {"TaskName": "digi", "Memory": 16000},
        },
    ),
    Workflow(FIRST, PREP, "RunIIFall18wmLHEGS", "Resubmission", "completed", requested_at=at(2018, 12, 10)),
    Workflow(SECOND, PREP, "RunIIFall18wmLHEGS", "Resubmission", "acquired", requested_at=at(2019, 1, 5)),
    Workflow(ALONE),
    Workflow(KEPT), Workflow(BOUND), Workflow(DARK),
]  # fmt: skip

LOGS = [
    (ORIGINAL, LogExcerpt(
        GEN, 8028, site, "Fatal Exception", TEXT, "https://logs.example.org/1", count,
        (ChainLink("Fatal Exception", 8028), ChainLink("WMAgentStepExecutionError", 8028)), None, ("/store/mc/a.root",),
    ))
    for site, count in (("T2_US_Purdue", 12), ("T1_US_FNAL", 3))
] + [
    (ORIGINAL, LogExcerpt(GEN, 8028, "T1_US_FNAL", "Fatal Exception", "Another text.", "javascript:alert(1)", 1)),
    (ORIGINAL, LogExcerpt(MERGE, 99999, "T3_US_Somewhere", "<b>Odd</b> type", HOSTILE_TEXT, count=2)),
    (FIRST, LogExcerpt(f"/{FIRST}/{PREP}_0", 8028, "T2_US_Purdue", "Fatal Exception", TEXT, count=5)),
]  # fmt: skip

SITES = [
    SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled"),
    SiteStatus("T2_US_Purdue", Readiness.RED, "drain", at(2019, 6, 22)),
    SiteStatus("T2_CH_CERN", Readiness.YELLOW, "enabled"),
    SiteStatus("T3_US_Somewhere", Readiness.NONE, "disabled"),
]

EXIT_CODES = [
    ExitCode(8028, "fallback open failed, too", "The input file could not be opened.", "input", "Check the file.", source="list"),
    ExitCode(71305, "waited too long in queue", "The agent removed it.", "time", "See which sites are full."),
]  # fmt: skip


def case_world(folder: Path) -> Snapshot:
    """The world, written into the new *folder*."""
    folder.mkdir(parents=True)
    write(
        folder,
        SnapshotParts(
            "v1", TAKEN, WORKFLOWS, ErrorColumns.of(COUNTS),
            errors_state={KEPT: OLD, BOUND: PARTIAL, DARK: UNKNOWN},
            errors_at={KEPT: datetime(2019, 6, 24, 11, 30, tzinfo=timezone.utc)},
            known=[
                (KEPT, Known("errors", "errors.wmstats", "old", datetime(2019, 6, 24, 11, 30, tzinfo=timezone.utc), "HTTP 502")),
                (ORIGINAL, Known("recoveries", "errors.acdc", "ok", TAKEN)),
            ],
            logs=LOGS,
            recoveries=[
                (ORIGINAL, Recovery(GEN, frozenset({"T1_US_FNAL", "T2_CH_CERN"}), 3000, {"T2_CH_CERN": 2000})),
                (ORIGINAL, Recovery(MERGE, frozenset(), None, {}, fake_files=True)),
            ],
            sites=SITES, exit_codes=EXIT_CODES,
        ),
    )  # fmt: skip
    return open_snapshot(folder)
