"""The API of executors, as its own description has it: schemathesis makes requests of every kind, good and bad."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis

from tests.attack.besieged import MACHINE, PASSWORD, besieged
from wwt_framework.web import wsgi


def closed(pages: Any) -> Any:
    """*pages*, whose answers are closed as a server closes them; the client of schemathesis leaves them open."""

    def answer(environ: Any, start_response: Any) -> Any:
        found = pages(environ, start_response)
        try:
            return [b"".join(found)]
        finally:
            found.close()

    return answer


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    app = besieged(tmp_path_factory.mktemp("besieged"))
    yield schemathesis.openapi.from_wsgi("/api/v1/executor/openapi.json", closed(wsgi.build(app)))
    app.close()


@pytest.mark.filterwarnings("ignore")
def test_the_api_keeps_to_its_description_whatever_it_is_sent(api: Any) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    for operation in operations:

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
        def ask(case: Any) -> None:
            case.call_and_validate(auth=(MACHINE, PASSWORD))

        ask()

    assert {operation.path.rpartition("/")[2] for operation in operations} >= {
        "claim",
        "answer",
        "heartbeat",
        "manifest",
    }
