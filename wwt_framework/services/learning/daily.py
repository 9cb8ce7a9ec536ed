"""When predictors are trained without being asked: once a day, where there are some, and something to learn from."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from wwt_framework.services.learning.forecasts import House
from wwt_framework.services.learning.history import COUNTED
from wwt_framework.services.learning.training import TRAIN
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import ActionSearch

#: How often they are trained, and how often it is looked whether it is time.
EVERY, LOOK_S = timedelta(days=1), 30.0


class Daily:
    """``due`` is asked every second by the clock."""

    def __init__(self, store: Store, house: Callable[[], House]) -> None:
        self._store = store
        self._house = house
        self._looked: float | None = None

    def due(self) -> bool:
        """Whether it is time: a look into the store every now and then."""
        now = time.monotonic()
        if self._looked is not None and now - self._looked < LOOK_S:
            return False
        self._looked = now
        house = self._house()
        if not house.config.house.predict or not house.hooks.implementing("train_predictor"):
            return False
        last = next(iter(ledger.runs(self._store, 1, name=TRAIN)), None)
        today = self._store.now()
        if last is not None and today - EVERY < last.requested_at <= today:  # later than now: the clock was set back
            return False
        return bool(ledger.search_actions(self._store, ActionSearch(states=COUNTED, rehearsals=False), 1)[1])
