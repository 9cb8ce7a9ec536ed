"""Which workflows need an operator, asked of Unified's own Oracle database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from pydantic import Field, SecretStr

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import Workflow, Workflows
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, PluginContext

from .._cms.faults import Faults
from .._cms.parsing import shown
from .._cms.statuses import is_name

#: The question of the old console, with what Unified says of each (workflowmonit, workflowCollector.py).
QUESTION = "SELECT NAME, STATUS FROM CMS_UNIFIED_ADMIN.workflow WHERE lower(STATUS) LIKE '%manual%'"
_ROWS = 1000


class UnifiedOracle:
    """List the workflows that wait for an operator, from Unified's Oracle database.

    Needs the package oracledb (pip install "wwt-framework[oracle]"), in its thin mode: no Oracle client.
    """

    class Options(PluginOptions):
        user: str = Field(min_length=1, description="name of the account that may read")
        password: SecretStr = Field(description="its password; best {$file: PATH} or {$env: NAME}")
        dsn: str = Field(min_length=1, description="where the database is: host:port/service, or host/service")
        timeout_s: float = Field(30, gt=0, le=600, description="seconds after which an answer is given up")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options

    @hookimpl
    def list_workflows(self) -> Workflows:
        """The workflows that wait, with what Unified says of them."""
        return read_rows(self._asked(_rows))

    @hookimpl
    def report_health(self) -> Health:
        """Whether the database answers."""
        try:
            self._asked(lambda connection: connection.ping())
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, f"{self._options.dsn} answers")

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        """What *question* makes of a connection of its own. Raises SourceError without user or password in it."""
        options = self._options
        driver = _driver()
        try:
            with driver.connect(
                user=options.user, password=options.password.get_secret_value(), dsn=options.dsn,
                tcp_connect_timeout=options.timeout_s, retry_count=0,
            ) as connection:  # fmt: skip
                connection.call_timeout = int(options.timeout_s * 1000)
                return question(connection)
        except driver.Error as error:
            raise SourceError(f"the database {options.dsn}: {_first_line(error)}") from None
        except OSError as error:
            raise SourceError(f"the database {options.dsn}: {error.strerror or 'no connection'}") from None


def _driver() -> ModuleType:
    try:
        import oracledb
    except ImportError:
        raise SourceError(
            'the package oracledb is not installed; pip install "wwt-framework[oracle]", '
            "or list unified_status in its place"
        ) from None
    module: ModuleType = oracledb
    return module


def _rows(connection: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.arraysize = _ROWS
        cursor.execute(QUESTION)
        return list(cursor.fetchall())


def read_rows(rows: Iterable[Any]) -> Workflows:
    """The workflows of (name, status) rows; a row that can not be read is named."""
    found: dict[str, Workflow] = {}
    faults = Faults()
    for n, row in enumerate(rows, 1):
        name, status = row
        if not isinstance(name, str) or not is_name(name):
            faults.add((f"row {n}",), f"expected the name of a workflow, got {shown(name)}")
        elif not isinstance(status, str) or not status:
            faults.add((f"row {n}",), f"expected a status, got {shown(status)}", name)
        else:
            found.setdefault(name, Workflow(name, assistance=status))
    return Workflows(tuple(found.values()), faults.all())


def _first_line(error: Exception) -> str:
    """What the driver says, in a line; it names neither password nor user."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
