"""Heavy work behind joblib: processes of this machine, or the Dask cluster that ``compute`` names.

The only module that knows either; plugins get `ComputeDoor`.
A cluster is asked anew for every piece of work: one that was restarted meanwhile is no trouble of ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wwt_framework.errors import WwtError

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
_DASK = "dask+"
#: Seconds in which a cluster must answer, and in which one that has no worker yet must get one.
_PATIENCE_S = 20
#: Seconds after which a process of ours that has nothing to do ends.
_IDLE_S = 60


class Compute:
    """`ComputeDoor`. *where* gives ``wwt.compute`` as it is at this moment: ``local``, or ``dask+tcp://host:port``."""

    def __init__(self, where: Callable[[], str], patience_s: float = _PATIENCE_S) -> None:
        self._where = where
        self._patience_s = patience_s

    def map(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> list[Any]:
        import joblib

        with self.spread() as workers:
            call = joblib.delayed(function)
            done: list[Any] = joblib.Parallel(n_jobs=workers)(call(item, *shared) for item in items)
        return done

    @contextmanager
    def spread(self) -> Iterator[int]:
        import joblib

        where = self._where()
        if where == LOCAL:
            workers = joblib.cpu_count()
            with joblib.parallel_config("loky", n_jobs=workers, idle_worker_timeout=_IDLE_S):
                yield workers
        else:
            with self._cluster(where.removeprefix(_DASK)) as client:
                workers = sum(client.nthreads().values())
                with joblib.parallel_config("dask", n_jobs=workers, client=client):
                    yield workers

    @contextmanager
    def _cluster(self, address: str) -> Iterator[Client]:
        try:
            from distributed import Client
        except ModuleNotFoundError as err:
            raise WwtError(
                f"wwt.compute names a Dask cluster, and {err.name} is not installed; pip install wwt-framework[scale]"
            ) from err
        try:
            client = Client(address, timeout=self._patience_s, set_as_default=False, name=f"wwt-{os.getpid()}")
        except OSError as err:  # also that it takes too long
            raise WwtError(
                f"wwt.compute: no Dask scheduler answers at {address} within {self._patience_s:g} s; "
                "start it, or take compute: local"
            ) from err
        with client:
            try:
                client.wait_for_workers(1, timeout=self._patience_s)
            except TimeoutError as err:
                raise WwtError(f"wwt.compute: the Dask scheduler at {address} has no workers; start some") from err
            yield client
