"""Whom we speak of: the executors that were heard of lately, and what they honour."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from wwt_framework.model import Case, Draft, Effect, NotHonoured
from wwt_framework.plugin import ActionsDoor

from .profile import UNIFIED, UNIFIED_NAME, Honours, Profile, both, effects, refusals
from .service import manifest_of

#: For so long an executor that is silent still counts.
REMEMBERED = timedelta(days=7)
_LOOK_EVERY_S = 5.0
_HEARD_EVERY_S = 30.0


@dataclass(frozen=True)
class Voice:
    """What is honoured, and by whom, in words."""

    name: str
    profile: Profile
    is_unified: bool


class Speaking:
    """Knows what the executors of this installation honour. Looks into the store every few seconds only."""

    def __init__(self, actions: ActionsDoor, honours: Mapping[str, Honours] | None, owner: str) -> None:
        self._actions = actions
        self._default = Voice(UNIFIED_NAME, UNIFIED, True) if honours is None else Voice(owner, honours, False)
        self._known: tuple[float, Voice] | None = None
        self._heard: dict[str, float] = {}

    def heard(self, executor: str) -> None:
        """*executor* has fetched; "" is nobody that we know. Written down now and then only: executors poll."""
        now = time.monotonic()
        if executor and now - self._heard.get(executor, -_HEARD_EVERY_S) >= _HEARD_EVERY_S:
            self._heard[executor] = now
            self._actions.heard(executor)

    def refusals(self) -> Sequence[NotHonoured]:
        voice = self._voice()
        return list(refusals(voice.profile, self._actions.kinds(), voice.name))

    def effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
        """Nothing for kinds that no executor pulls."""
        if draft.kind not in {kind.name for kind in self._actions.kinds()}:
            return []
        voice = self._voice()
        return list(effects(voice.profile, draft, cases, voice.name, is_unified=voice.is_unified))

    def _voice(self) -> Voice:
        now = time.monotonic()
        if self._known is None or now - self._known[0] > _LOOK_EVERY_S:
            self._known = (now, self._look(datetime.now(timezone.utc)))
        return self._known[1]

    def _look(self, now: datetime) -> Voice:
        """The manifests of those who were heard of lately, and what is assumed of those among them who sent none."""
        seen = [one for one in self._actions.executors() if now - one.seen_at < REMEMBERED]
        manifests = {one.name: profile for one in seen if (profile := manifest_of(one.manifest)) is not None}
        if not manifests:
            return self._default
        silent = len(manifests) < len(seen)
        names = [*manifests, *([self._default.name] if silent else [])]
        profiles = [*manifests.values(), *([self._default.profile] if silent else [])]
        return Voice(" or ".join(names), both(profiles), False)
