"""The history of failed jobs: every cell that was ever seen, and how much failed day by day."""

from wwt_framework.services.history.filing import take_file
from wwt_framework.services.history.look import Look
from wwt_framework.services.history.reading import (
    PastCell,
    TaskErrors,
    cells_of,
    cells_of_each,
    history_matrix,
    task_errors,
)
from wwt_framework.services.history.taking import Taken, take_in

__all__ = [
    "Look",
    "PastCell",
    "Taken",
    "TaskErrors",
    "cells_of",
    "cells_of_each",
    "history_matrix",
    "take_file",
    "take_in",
    "task_errors",
]
