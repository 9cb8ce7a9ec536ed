"""Where else to look: ReqMgr2, the production monitor, JIRA, the logs of Unified."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from wwt_framework import hookimpl
from wwt_framework.model import Case
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Link, PluginContext

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HREF = re.compile(r"https?://[^\s/?#{}@]+[/?#][^\s<>\"]*|https?://[^\s/?#{}@]+")
_KNOWN = ("workflow", "prep_id")


class LinkTemplate(BaseModel):
    """One link as plugins.yml gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=60, description="what the link says")
    href: str = Field(description="address with {workflow} or {prep_id} where they belong")
    help: str = Field("", max_length=200, description="shown when one points at it")

    @field_validator("href")
    @classmethod
    def _is_web_address(cls, href: str) -> str:
        if not _HREF.fullmatch(href):
            raise ValueError("expected an address like https://example.org/{workflow}, with no placeholder in the host")
        unknown = sorted(set(_PLACEHOLDER.findall(href)) - set(_KNOWN))
        if unknown or "{" in _PLACEHOLDER.sub("", href) or "}" in _PLACEHOLDER.sub("", href):
            raise ValueError(f"expected no placeholder but {{workflow}} and {{prep_id}}, got '{href}'")
        return href


_REQMGR2 = "https://cmsweb.cern.ch/reqmgr2"
_UNIFIED = "https://cms-unified.web.cern.ch/cms-unified"

DEFAULTS = (
    LinkTemplate(label="ReqMgr2", href=f"{_REQMGR2}/fetch?rid={{workflow}}", help="the request, as ReqMgr2 shows it"),
    LinkTemplate(
        label="ReqMgr2 JSON", href=f"{_REQMGR2}/data/request?name={{workflow}}", help="all parameters of the request"
    ),
    LinkTemplate(
        label="PrepID",
        href=f"{_REQMGR2}/data/request?prep_id={{prep_id}}&detail=true",
        help="all requests of this PrepID in ReqMgr2",
    ),
    LinkTemplate(
        label="Production monitor",
        href="https://dmytro.web.cern.ch/dmytro/cmsprodmon/workflows.php?prep_id={prep_id}",
        help="progress of all requests of this PrepID",
    ),
    LinkTemplate(
        label="JIRA",
        href="https://its.cern.ch/jira/secure/QuickSearch.jspa?searchString={prep_id}",
        help="tickets that name this PrepID",
    ),
    LinkTemplate(label="Logs", href=f"{_UNIFIED}/showlog/?search={{workflow}}", help="what Unified did with it"),
    LinkTemplate(
        label="Error logs", href=f"{_UNIFIED}/showlog/?search={{workflow}}&module=error", help="what went wrong in it"
    ),
    LinkTemplate(label="Error report", href=f"{_UNIFIED}/report/{{workflow}}", help="Unified's page of its errors"),
)


class CmsLinks:
    """Links from a workflow's page to the services that know more about it."""

    class Options(PluginOptions):
        links: tuple[LinkTemplate, ...] = Field(
            DEFAULTS, description="in the order in which they are shown; {label, href, help} each"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._links = context.options.links

    @hookimpl
    def show_links(self, case: Case) -> Sequence[Link]:
        """The links for *case*; one that needs a prep id is left out where none is known."""
        values = {"workflow": case.workflow.name, "prep_id": case.workflow.prep_id}
        return [
            Link(link.label, _filled(link.href, values), link.help)
            for link in self._links
            if all(values[name] for name in _PLACEHOLDER.findall(link.href))
        ]


def _filled(href: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=""), href)
