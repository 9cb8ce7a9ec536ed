"""The made-up grid of one seed: its state at any time, of everything or of one workflow alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from .acts import Act, read_acts
from .draws import Array
from .failures import Failures
from .families import make_families
from .growth import Grown, Growth
from .made import Made
from .names import SERIALS, number_of_serial
from .parameters import Name, load
from .state import State

#: How much of its time a workflow of which operators take care stays, in the mean.
_STAYS = {"acted": 0.8, "running": 1.0}
_SERIAL = re.compile(r"-([0-9]{5})__v[0-9]+_T_")


class Grid:
    """The grid of one seed and size; *acts_file* keeps what was done to it."""

    def __init__(
        self, size: int, seed: int, lifetime_s: float, population: Name, acts_file: Path | None = None
    ) -> None:
        self.size = size
        self.seed = seed
        self.lifetime_s = lifetime_s
        self.population = load().populations[population]
        self._failures = Failures(seed, self.population)
        self._growth = Growth(self._failures, lifetime_s, ambient=population == "acted")
        self._step = lifetime_s * _STAYS[population] / size
        self._span = int(np.ceil(lifetime_s / self._step))
        self._acts_file = acts_file
        self._guard = threading.Lock()
        self._acts: tuple[tuple[int, int], dict[int, list[Act]]] = ((0, 0), {})
        self._kept: tuple[object, State] | None = None

    # -- everything --

    def state(self, at: datetime) -> State:
        """Everything at *at*; the last answer is kept."""
        newest = int(at.timestamp() // self._step)
        with self._guard:
            acts = self.acts()
            sign = (at, self._sign())
            if self._kept is None or self._kept[0] != sign:
                numbers = np.arange(newest - self._span + 1, newest + 1)
                self._kept = (sign, self._state(numbers, at, acts))
            return self._kept[1]

    def _state(self, numbers: Array, at: datetime, acts: Mapping[int, Sequence[Act]]) -> State:
        born = np.floor(numbers * self._step)
        seconds = at.timestamp()
        grown = self._growth.until(make_families(self.seed, numbers, born), seconds, acts)
        if len(numbers) > 1000:
            grown.name_all()
        return State(grown, self.population, seconds, self.lifetime_s)

    # -- one alone --

    def alone(self, name: str, at: datetime) -> tuple[State, int] | None:
        """The family of the workflow called *name* and the row of it; None when there is no such workflow at *at*."""
        acts = self.acts()
        for number in self._numbers(name, at):
            state = self._state(np.array([number]), at, {number: acts[number]} if number in acts else {})
            row = state.row(name)
            if row is not None:
                return state, row
        return None

    def made(self, name: str, at: datetime) -> Made | None:
        """One workflow with all there is to know about it, without making the others."""
        found = self.alone(name, at)
        return found[0].made_row(found[1]) if found else None

    def family(self, prep_id: str, at: datetime) -> State | None:
        """The family of *prep_id* alone."""
        acts = self.acts()
        serial = prep_id.rpartition("-")[2]
        if not re.fullmatch(r"[0-9]{5}", serial):
            return None
        for number in self._matching(number_of_serial(int(serial)), SERIALS, at):
            state = self._state(np.array([number]), at, {number: acts[number]} if number in acts else {})
            if state.grown.part(0).prep_id == prep_id:
                return state
        return None

    def _numbers(self, name: str, at: datetime) -> list[int]:
        """Numbers that a family may have of which a workflow is called *name*."""
        last = name.rpartition("_")[2]
        if not re.fullmatch(r"[0-9]{1,4}", last):
            return []
        serial = _SERIAL.search(name)
        numbers = self._matching(int(last), 10_000, at)
        if serial:
            wanted = number_of_serial(int(serial[1]))
            return [number for number in numbers if number % SERIALS == wanted]
        return numbers

    def _matching(self, rest: int, modulus: int, at: datetime) -> list[int]:
        newest = int(at.timestamp() // self._step)
        last = newest - (newest - rest) % modulus
        return list(range(last, newest - self._span, -modulus))

    # -- acts --

    def acts(self) -> dict[int, list[Act]]:
        """Family number -> what was done to workflows that may be of it, in order. The file is read when it changes."""
        sign = self._sign()
        if self._acts[0] != sign:
            found: dict[int, list[Act]] = {}
            for act in read_acts(self._acts_file) if self._acts_file else ():
                for number in self._numbers(act.workflow, act.at):
                    found.setdefault(number, []).append(act)
            self._acts = (sign, found)
        return self._acts[1]

    def _sign(self) -> tuple[int, int]:
        """Changes when the file of acts does."""
        if self._acts_file is None or not self._acts_file.exists():
            return 0, 0
        stat = self._acts_file.stat()
        return stat.st_mtime_ns, stat.st_size

    def reference(self, act: Act) -> str:
        """The name of the workflow that *act* makes; "" when it makes none."""
        at = act.at
        for number in self._numbers(act.workflow, at):
            mine = [a for a in self.acts().get(number, []) if (a.at, a.id) < (act.at, act.id)]
            state = self._state(np.array([number]), at, {number: [*mine, act]})
            before = self._state(np.array([number]), at, {number: mine} if mine else {})
            names, old = _names(state.grown), _names(before.grown)
            if act.workflow in old:
                return next((name for name in names if name not in old), "")
        return ""


def _names(grown: Grown) -> list[str]:
    return [grown.name(row) for row in range(len(grown.works))]
