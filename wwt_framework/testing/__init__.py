"""The kit for who writes a plugin: contracts to inherit from, and fixtures; a pytest plugin of its own.

Installing wwt-framework installs it. At import it loads nothing of ours, so that coverage sees all of it::

    from wwt_framework.testing import ErrorSourceContract

    class TestMySource(ErrorSourceContract):
        plugin = "errors.my_source"          # loaded through its entry point
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wwt_framework.testing.contracts import AuthContract, ErrorSourceContract
    from wwt_framework.testing.contracts_actions import ActionContract, GuardContract, contract_case, contract_draft
    from wwt_framework.testing.contracts_clustering import ClusteringContract, contract_matrix
    from wwt_framework.testing.contracts_logs import TemplateContract
    from wwt_framework.testing.predictor_contract import PredictorContract, contract_history
    from wwt_framework.testing.procedure_contract import ProcedureContract
    from wwt_framework.testing.running import Running

__all__ = [
    "ActionContract",
    "AuthContract",
    "ClusteringContract",
    "ErrorSourceContract",
    "GuardContract",
    "PredictorContract",
    "ProcedureContract",
    "TemplateContract",
    "contract_case",
    "contract_draft",
    "contract_history",
    "contract_matrix",
    "wwt_plugin",
]

_CONTRACTS = {
    "ActionContract": "contracts_actions",
    "AuthContract": "contracts",
    "ClusteringContract": "contracts_clustering",
    "ErrorSourceContract": "contracts",
    "GuardContract": "contracts_actions",
    "PredictorContract": "predictor_contract",
    "ProcedureContract": "procedure_contract",
    "TemplateContract": "contracts_logs",
    "contract_case": "contracts_actions",
    "contract_draft": "contracts_actions",
    "contract_history": "predictor_contract",
    "contract_matrix": "contracts_clustering",
}

pytest.register_assert_rewrite(*(f"wwt_framework.testing.{module}" for module in sorted(set(_CONTRACTS.values()))))


def __getattr__(name: str) -> Any:
    if name in _CONTRACTS:
        return getattr(importlib.import_module(f"wwt_framework.testing.{_CONTRACTS[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name!r}")


@pytest.fixture
def wwt_plugin(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """``wwt_plugin("errors.my_source", path="...")``: the plugin, found by its entry point, made and started.

    Its doors lead into memory; it is shut down when the test is over.
    """
    from wwt_framework.testing.running import running

    stops: list[Callable[[], None]] = []

    def make(plugin: str, **options: Any) -> Running:
        it = running(plugin, options, tmp_path)
        stops.append(it.stop)
        return it

    yield make
    for stop in reversed(stops):
        stop()
