"""One thread for numbers: where processors are busy, threads that wait for one another take a hundred times as long."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    import sklearn.ensemble  # noqa: F401  # what is loaded later would not be controlled

    return ThreadpoolController()


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """*function*, in which BLAS and OpenMP use one thread."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _controller().limit(limits=1):
            return function(*args, **kwargs)

    return limited
