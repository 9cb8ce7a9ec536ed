"""Reading and writing the store, by subject. Every function takes the store and answers with frozen dataclasses.

Each function is one transaction; several of them are one inside ``with store.write():``.
"""

from wwt_framework.store.ledger.runs import (
    JobRun,
    end_run,
    forget_runs,
    progress_run,
    request_run,
    run,
    runs,
    start_run,
)
from wwt_framework.store.ledger.versions import (
    RefreshMark,
    Version,
    clear_marks,
    current_version,
    forget_version,
    mark_prep,
    marked_preps,
    publish_version,
    versions,
)

__all__ = [
    "JobRun",
    "RefreshMark",
    "Version",
    "clear_marks",
    "current_version",
    "end_run",
    "forget_runs",
    "forget_version",
    "mark_prep",
    "marked_preps",
    "progress_run",
    "publish_version",
    "request_run",
    "run",
    "runs",
    "start_run",
    "versions",
]
