"""What failed jobs said (`/explainerror`): message by message, or text by text, and as a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from wwt_framework.errors import NotFound
from wwt_framework.services.explaining import Explanation, explain, read_code
from wwt_framework.services.messages import Saying
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.filters import plain
from wwt_framework.web.parameters import NEEDED, Among, Drawn, Matching, Number
from wwt_framework.web.render import render, table_response
from wwt_framework.web.responses import TEXT, Response
from wwt_framework.web.tools import current_snapshot, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/explainerror": explainerror}


_WHAT_TO_GIVE = (
    "Say which exit code: /explainerror?errorcode=8028&workflowstep=/workflow/task shows what failed jobs of a task said, "
    "/explainerror?errorcode=8028 what an exit code means. Follow a link from a workflow's tables."
)


_CODE = Matching("-1|[1-9][0-9]{0,9}|NotReported", "an exit code, or NotReported")
LOG_COLUMNS = {
    "exit code": int, "failed jobs": int, "sites": [str], "tasks": [str], "types": [str], "files": [str], "links": [str],
    "text": str, "template": str, "values": [str],
}  # fmt: skip


@page(answers=[LOG_COLUMNS])
def explainerror(
    errorcode: Annotated[str, NEEDED, _CODE] = "",
    workflowstep: str = "",
    sitename: str = "",
    template: str = "",
    offset: Annotated[str, Number("a number of texts to leave out")] = "0",
    format: Annotated[str, Among(("json", "csv", "txt"))] = "",  # noqa: A002
    text: Drawn = "",
) -> Response:
    """What failed jobs with one exit code said, of one task, one workflow or all of them."""
    step = workflowstep.strip()
    if errorcode.strip() in ("", "0"):
        return missing(_WHAT_TO_GIVE)
    code = read_code(errorcode.strip())
    if code is None:
        return missing(f"An exit code is a number, or NotReported; got {plain(errorcode)[:60]!r}. {_WHAT_TO_GIVE}")
    step = "" if step == "/" else step
    found = explain(current_snapshot(), code, step, sitename.strip(), int(offset), template.strip())
    if format == "txt":
        return _as_file(found, text)
    if format:
        return table_response(LOG_COLUMNS, _log_rows(found), format, f"logs-{code}")
    return render("explainerror.html", found=found, step=step if found.workflow else "", complaint="")


def missing(sentence: str) -> Response:
    """The page without logs: what has to be given. Status 400."""
    if not current_exchange().wants_html():
        raise Refused(400, sentence)
    return render("explainerror.html", 400, found=None, step="", complaint=sentence)


def _log_rows(found: Explanation) -> list[tuple[Any, ...]]:
    return [
        (
            found.code, said.count, [site for site, _ in said.sites], [task for task, _, _ in said.tasks],
            list(said.chain), list(said.files), list(said.urls), said.text, said.template, list(said.values),
        )
        for said in found.every
    ]  # fmt: skip


def _as_file(found: Explanation, digest: str) -> Response:
    """All texts as a file, or the one that *digest* names: to be kept, not to be shown by a browser."""
    sayings = [said for said in found.every if said.digest == digest] if digest else found.every
    if digest and not sayings:
        raise NotFound(f"There is no such text among the logs of {found.label} here any more.")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"logs-{found.label}-{found.workflow}")[:120].strip("-.")
    body = sayings[0].text if digest else "\n\n".join(map(_with_head, sayings))
    headers = {"Content-Disposition": f'attachment; filename="{name}.txt"'}
    return Response(body.encode("utf-8", "replace"), TEXT, headers=headers)


def _with_head(said: Saying) -> str:
    return f"=== {said.count} jobs at {_words(said.sites)}\n=== {' > '.join(said.chain)}\n{said.text}"


def _words(sites: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{site} ({count})" for site, count in sites)
