"""What plugins.yml can say about local accounts."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import argon2
from pydantic import AfterValidator, Field, model_validator

from wwt_framework.options import MailAddress, PluginOptions


def _domain(text: str) -> str:
    domain = text.strip().removeprefix("@").lower()
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain, re.ASCII):
        raise ValueError(f"expected a domain like cern.ch, got {text!a}")
    return domain


Domain = Annotated[str, AfterValidator(_domain)]


class LocalOptions(PluginOptions):
    """Who may register, how long links are good, what a password check costs."""

    domains: tuple[Domain, ...] = Field(
        (),
        description="domains whose mail addresses may register, e.g. [cern.ch]; nothing here and in whitelist: nobody",
    )
    whitelist: tuple[MailAddress, ...] = Field((), description="single mail addresses that may register, too")
    new_roles: tuple[Literal["viewer", "operator", "admin"], ...] = Field(
        ("viewer",), description="roles of who has registered"
    )
    confirm_hours: float = Field(
        48, gt=0, le=720, description="hours for which the link of a registration or an invitation is good"
    )
    reset_hours: float = Field(2, gt=0, le=168, description="hours for which the link of a reset is good")
    time_cost: int = Field(argon2.DEFAULT_TIME_COST, ge=1, description="passes that argon2id makes over its memory")
    memory_kib: int = Field(argon2.DEFAULT_MEMORY_COST, ge=8, description="KiB that one password check takes")
    parallelism: int = Field(argon2.DEFAULT_PARALLELISM, ge=1, description="threads that one password check takes")

    @model_validator(mode="after")
    def _enough_memory(self) -> LocalOptions:
        if self.memory_kib < 8 * self.parallelism:
            raise ValueError(f"memory_kib must be at least 8 for each thread, {8 * self.parallelism} in all")
        return self
