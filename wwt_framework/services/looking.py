"""One look at the world: the questions of a refresh in their order, and what they come to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from wwt_framework.model import ExitCode, Known, LogExcerpt, Recovery, SiteStatus, SourceReport, Workflow
from wwt_framework.services import refresh_errors as errors
from wwt_framework.services import refresh_parts as make
from wwt_framework.services.asking import Round, ask_each, ask_whole, complaint
from wwt_framework.services.intake import Items, as_json, excerpts, items
from wwt_framework.services.merge import Combined, SourceErrors, combined
from wwt_framework.services.telling import Question, Telling, read_items, tellings
from wwt_framework.snapshot import PARTIAL, UNKNOWN, SnapshotParts

PARAMETERS = Question("fetch_workflows", "parameters", Workflow)
FAMILY = Question("fetch_family", "family", Workflow)
LOGS = Question("fetch_logs", "logs", LogExcerpt, excerpts, hold=False)
RECOVERIES = Question("fetch_recoveries", "recoveries", Recovery)

#: The kind of question that has a period of its own.
SITE_STATUSES = "site statuses"

Tellings = dict[str, dict[str, Telling[Any]]]


class Look:
    """``gather`` asks everything; ``parts`` is what goes into the snapshot.

    *prep_ids*: whose families are asked for when only some workflows are asked again.
    """

    def __init__(self, round_: Round, include_all_acdcs: bool, prep_ids: Collection[str]) -> None:
        self._round = round_
        self._include_all_acdcs = include_all_acdcs
        self._prep_ids = prep_ids
        self.workflows: dict[str, Workflow] = {}  # all that anybody named, also those that stay out
        self.named: set[str] = set()  # the workflows of the snapshot

    def gather(self) -> None:
        """Ask all questions."""
        round_ = self._round
        round_.progress(0.0, "asking which workflows there are")
        listed = ask_whole(round_, "list_workflows", Workflow, "workflows")
        self._add(*(workflows for _, workflows in listed))
        self.named = set(self.workflows)
        loaded: dict[str, SourceErrors] = {}
        if round_.asked is None:
            round_.progress(0.05, "loading failed jobs")
            loaded, self._unheard = errors.load_errors(round_, None)
            self.named.update(chain.from_iterable(word.workflows for word in loaded.values()))
        self._ask_parameters()
        members = self._ask_family()
        if round_.asked is not None:
            round_.forget(sorted(members - round_.asked))
            round_.asked |= members
            loaded, self._unheard = errors.load_errors(round_, round_.asked)
        self._ask_errors(loaded, members)
        self._ask_details()

    # -- the questions --

    def _add(self, *lists: Iterable[Workflow]) -> None:
        """Take workflows in; what is known of them already is kept."""
        self.workflows = make.merged([self.workflows.values(), *lists])

    def _workflow(self, name: str) -> Workflow:
        return self.workflows.get(name) or Workflow(name)

    def _ask_parameters(self) -> None:
        round_ = self._round
        round_.progress(0.15, "asking for parameters")
        asked = round_.asked
        names = {n for n in self.named if make.lacks(self._workflow(n))} if asked is None else set(asked)
        self._parameters = tellings(round_, PARAMETERS, names, self._parameter_answers(names))
        for told in self._parameters.values():
            self._add([w for one in told.values() for w in one.items])
            self.named.update(name for name, one in told.items() if one.items)

    def _parameter_answers(self, names: Collection[str]) -> Iterator[tuple[str, str, Items[Workflow] | str]]:
        """One answer about many workflows, cut into answers about one."""
        answers = self._round.hooks.each(PARAMETERS.hook, names=sorted(names)) if names else []
        for answer in answers:
            if answer.plugin not in self._round.shelves:
                continue
            tally = self._round.tally(answer.plugin, PARAMETERS.about)
            tally.seconds += answer.seconds
            try:
                if answer.error is not None:
                    raise answer.error
                told = items(Workflow, answer.value)
            except Exception as err:  # noqa: BLE001  # whatever the plugin raised
                yield from ((answer.plugin, name, complaint(err)) for name in names)
                continue
            tally.told(answer.value)
            tally.reject(told.rejected)
            good = {w.name: w for w in told.good if w.name in names}
            of = told.as_of
            yield from ((answer.plugin, name, Items((w,), as_json([w]), as_of=of)) for name, w in good.items())
            broken = {r.workflow: f"{r.path}: {r.why}" for r in told.rejected if r.workflow in names}
            yield from ((answer.plugin, name, why) for name, why in broken.items() if name not in good)

    def _ask_family(self) -> set[str]:
        """Ask for families; the names of all members that an answer of now names."""
        round_ = self._round
        known = (self._workflow(name).prep_id for name in self.named)
        prep_ids = sorted(set(known) - {""} if round_.asked is None else self._prep_ids)
        answers = ask_each(
            round_, FAMILY.hook, ((p, {"prep_id": p}) for p in prep_ids), (0.2, 0.3), "asking for families"
        )
        self._family = tellings(round_, FAMILY, prep_ids, answers)
        members: set[str] = set()
        wanted = set(prep_ids)
        for told in self._family.values():
            self._add([make.filled(w, Workflow(w.name, prep_id=p)) for p, one in told.items() for w in one.items])
            members.update(w.name for p, one in told.items() if p in wanted for w in one.items)
        return members

    def _ask_errors(self, loaded: dict[str, SourceErrors], members: set[str]) -> None:
        """Ask workflow by workflow, put all sources together, and decide which members of families stay."""
        round_ = self._round
        asked = sorted(self.named | members if round_.asked is None else round_.asked)
        fetched = errors.fetch_errors(round_, map(self._workflow, asked), (0.3, 0.6))
        errors.keep_loaded(round_, loaded)
        self.named.update(chain.from_iterable(word.workflows for word in loaded.values()))
        self.named.update(chain.from_iterable(map(errors.with_cells, fetched.values())))
        # Members of this and of earlier times: those asked again now, those told of before.
        family = {w.name for told in self._family.values() for one in told.values() for w in one.items}
        words = []
        for source, shelf in round_.shelves.items():
            if source in loaded:
                words.append((source, loaded[source]))
            if source in fetched:
                word = fetched[source].only(self.named | family)
                shelf.put_errors(errors.FETCH, word)
                words.append((source, word))
            else:
                shelf.drop(errors.FETCH)
        self._combined = combined(words)
        self.named |= self._staying(family - self.named, self._combined)

    def _staying(self, extra: set[str], all_errors: Combined) -> set[str]:
        """Members of families that nobody listed: shown unless they are known to have no errors."""
        if self._include_all_acdcs:
            return extra
        doubtful = {PARTIAL, UNKNOWN}
        states = zip(all_errors.workflows, all_errors.state.tolist(), strict=True)
        return {name for name, state in states if name in extra and state in doubtful}

    def _ask_details(self) -> None:
        round_ = self._round
        wanted = self.named if round_.asked is None else self.named & round_.asked
        asks = any(round_.hooks.implementing(question.hook) for question in (LOGS, RECOVERIES))
        codes = make.codes_of(self._combined, wanted) if asks or round_.asked is not None else {}
        again = sorted(codes)
        logs = ((w, {"workflow": self._workflow(w), "exit_codes": codes[w]}) for w in again)
        self._logs = tellings(round_, LOGS, again, ask_each(round_, LOGS.hook, logs, (0.6, 0.75), "asking for logs"))
        recoveries = ((w, {"workflow": self._workflow(w)}) for w in again)
        answers = ask_each(round_, RECOVERIES.hook, recoveries, (0.75, 0.85), "asking what could be recovered")
        self._recoveries = tellings(round_, RECOVERIES, again, answers)
        round_.progress(0.85, "asking for sites and exit codes")
        self._sites = ask_whole(round_, "fetch_site_statuses", SiteStatus, SITE_STATUSES)
        self._codes = ask_whole(round_, "describe_exit_codes", ExitCode, "exit codes", at=round_.now)

    # -- the parts --

    def parts(self, reports: tuple[SourceReport, ...]) -> SnapshotParts:
        """All of it, for the snapshot."""
        round_ = self._round
        states = make.error_states(self._combined, self.named, bool(self._unheard))
        times = make.error_times(self._combined, round_.now)
        return SnapshotParts(
            version="",  # given when it is published
            taken_at=round_.now,
            workflows=[self._workflow(name) for name in self.named],
            errors=self._combined.cells.columns(),
            errors_state=states,
            errors_at=times,
            known=chain(make.known_errors(self._combined, states, times, round_.now, self._silent()), self._known()),
            logs=make.a_few(read_items(round_, LOGS, self._logs)),
            recoveries=self._of_workflows(self._recoveries),
            sites=make.first_sites(self._sites),
            exit_codes=make.first_codes(self._codes),
            sources=reports,
        )

    def _silent(self) -> list[tuple[str, str]]:
        return [(unheard.source, unheard.why) for unheard in self._unheard]

    def _known(self) -> Iterator[tuple[str, Known]]:
        by_prep: dict[str, list[str]] = {}
        for name in self.named if self._family else ():
            by_prep.setdefault(self._workflow(name).prep_id, []).append(name)
        yield from make.known_tellings("parameters", self._parameters, lambda name: (name,))
        yield from make.known_tellings("family", self._family, lambda prep_id: by_prep.get(prep_id, ()))
        yield from make.known_tellings("logs", self._logs, lambda name: (name,))
        yield from make.known_tellings("recoveries", self._recoveries, lambda name: (name,))

    def _of_workflows(self, tellings_: Tellings) -> Iterator[tuple[str, Any]]:
        return ((name, item) for told in tellings_.values() for name, one in told.items() for item in one.items)
