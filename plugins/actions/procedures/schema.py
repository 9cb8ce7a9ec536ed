"""What a procedure is, as it stands in a file: every key, its meaning and its check."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from .patterns import compiled, group_names

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

#: ``{files}``, ``{limit+1000}``, ``{limit/1024+1000}``: what an expression found, as it is or calculated with.
TEMPLATE = re.compile(r"\{([a-z][a-z0-9_]*)(?:([*/])(\d{1,6}(?:\.\d{1,3})?))?(?:\+(\d{1,6}))?\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")


def _listed(value: Any) -> Any:
    """One value where a list is expected is a list of it."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _re2(pattern: str) -> str:
    compiled(pattern)
    return pattern


Words = Annotated[str, AfterValidator(_one_line)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]
Codes = Annotated[tuple[int, ...], BeforeValidator(_listed), Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Expression(BaseModel):
    """A regular expression that is looked for in every line of the logs."""

    model_config = _STRICT

    pattern: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_re2)] = Field(
        description="regular expression as RE2 takes it; its group 1 and its named groups are captured"
    )
    name: str = Field("found", description="what group 1 is called")
    required: bool = Field(False, description="the procedure applies only where some log matches")

    @field_validator("name")
    @classmethod
    def _is_a_word(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"expected a word of small letters like files, got {name!r}")
        return name

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which something can be captured, in their order."""
        named = group_names(self.pattern)
        return (named[0] or self.name if named else self.name, *filter(None, named[1:]))


class When(BaseModel):
    """Under which conditions a procedure applies, beside its exit codes. All of them must hold."""

    model_config = _STRICT

    task_types: Texts = Field((), description="Processing, Production, Merge, ...: one of these")
    request_types: Texts = Field((), description="TaskChain, ReReco, Resubmission, ...: one of these")
    not_request_types: Texts = Field((), description="none of these")
    jobs_at_least: int = Field(1, ge=1, description="failed jobs of the task with the exit code")
    share_at_least: Share = Field(0.0, description="of the failed jobs of the task that agents reported, 0 to 1")
    share_below: float | None = Field(None, gt=0, le=1, description="the same, less than this")
    sites_at_least: int = Field(1, ge=1, description="sites with such failed jobs")
    sites_at_most: int | None = Field(None, ge=1, description="sites with such failed jobs")
    one_site_at_least: Share = Field(0.0, description="share of these jobs that the worst site holds")
    one_site_below: float | None = Field(None, gt=0, le=1, description="the same, less than this")
    production: Texts = Field((), description="production status of the sites: drain, disabled, enabled, ...")
    readiness: tuple[Literal["ready", "waiting room", "morgue", "unknown"], ...] = Field(
        (), description="readiness of the sites: ready, waiting room, morgue, unknown"
    )
    at_such_sites: Share = Field(0.5, description="share of these jobs that must be at sites of that status")
    round_at_least: int = Field(0, ge=0, description="which ACDC of its prep id the workflow is; 0: it is none")
    round_at_most: int | None = Field(None, ge=0, description="the same, at most")
    counts: Literal["any", "complete"] = Field("any", description="complete: not where counts are lower bounds or old")

    @field_validator("readiness", mode="before")
    @classmethod
    def _is_listed(cls, value: Any) -> Any:
        return _listed(value)


class Action(BaseModel):
    """What the form is filled with."""

    model_config = _STRICT

    kind: str = Field(pattern=r"^[a-z][a-z-]{0,40}$", description="acdc, clone, recovery, special")
    parameters: dict[str, str | int | tuple[str, ...]] = Field(
        {}, description="field: value; {name} stands for what an expression found, {name+1000} for a sum"
    )

    @property
    def placeholders(self) -> set[str]:
        """The captures that the parameters take."""
        texts = [str(text) for value in self.parameters.values() for text in _listed(value)]
        return {match[1] for text in texts for match in TEMPLATE.finditer(text)}


class Example(BaseModel):
    """A text of a failed job, and what the expressions must find in it."""

    model_config = _STRICT

    log: str = Field(min_length=1, description="the text")
    captures: dict[str, Texts] = Field({}, description="name: what must be found, all of it in its order")
    matches: bool = Field(True, description="false: a required expression must not match")
    source: Words = Field("", description="where the text comes from")


class Procedure(BaseModel):
    """What to do about an exit code."""

    model_config = _STRICT

    id: str = Field(description="its name, for links and to be replaced by; small letters, digits and hyphens")
    codes: Codes = Field(description="exit codes, one or several; -1 is what no agent reported")
    title: Words = Field(min_length=1, max_length=120, description="a few words for a heading")
    order: int = Field(50, description="of several for one code the one with the smaller number is asked first")
    active: bool = Field(True, description="false: it is left out, as is a shipped one of the same id")
    go_on: bool = Field(False, description="where it applies, those after it are asked, too")
    cause: Words = Field("", description="why jobs fail like this")
    normal: Words = Field(min_length=1, description="what is usually done")
    additional: Words = Field("", description="what to do when that does not help")
    author: Words = Field("", description="who answers for it; default: the file's")
    source: Words = Field("", description="where it comes from; default: the file's")
    reviewed: date | None = Field(None, description="when somebody last said that it holds; default: the file's")
    look_for: tuple[Expression, ...] = Field((), description="regular expressions over the logs")
    when: When = Field(When(), description="conditions")
    action: Action | None = Field(
        None, description="what the form is filled with; none: there is only something to read"
    )
    examples: tuple[Example, ...] = Field((), description="logs on which `wwt procedures check` tries it")

    @field_validator("id")
    @classmethod
    def _fits_an_address(cls, text: str) -> str:
        if not _ID.fullmatch(text):
            raise ValueError(f"expected small letters, digits and hyphens like input-file, got {text[:60]!r}")
        return text

    @field_validator("look_for", mode="before")
    @classmethod
    def _plain_patterns(cls, value: Any) -> Any:
        """A plain text is an expression without anything else."""
        return (
            [{"pattern": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value
        )

    @model_validator(mode="after")
    def _captures_are_made(self) -> Procedure:
        made = {name for expression in self.look_for for name in expression.names}
        known = ", ".join(sorted(made)) or "none"
        if self.action and (lost := sorted(self.action.placeholders - made)):
            raise ValueError(f"action: {{{lost[0]}}} is captured by no expression; captured are: {known}")
        for example in self.examples:
            if lost := sorted(set(example.captures) - made):
                raise ValueError(f"examples: '{lost[0]}' is captured by no expression; captured are: {known}")
            if not example.matches and not any(expression.required for expression in self.look_for):
                raise ValueError("examples: matches: false needs an expression that is required")
        return self


class Head(BaseModel):
    """What stands above the list and holds for all of it."""

    model_config = _STRICT

    author: Words = Field("", description="who answers for these procedures")
    source: Words = Field("", description="where they come from, with the date")
    reviewed: date | None = Field(None, description="when somebody last said that they hold")
