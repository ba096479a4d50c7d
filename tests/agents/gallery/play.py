"""Play a case on a stage, and hold what the command said against the truth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.stage import Stage
from tests.agents.shop import Said

REFUSED = 1


def cases() -> tuple[Case, ...]:
    """All cases: `CASES` of every module `cases_*.py` here."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    found = [case for name in names for case in import_module(f"{__package__}.{name}").CASES]
    doubles = {case.name for case in found if [c.name for c in found].count(case.name) > 1}
    assert not doubles, f"two cases of one name: {doubles}"
    return tuple(found)


@dataclass(frozen=True)
class Played:
    """A case and what the command said about it."""

    case: Case
    stage: Stage
    said: Said
    allocations: tuple[dict[str, Any], ...] | None = None
    """The job's, as Nomad listed them at the end; None: they are still to be read."""

    @property
    def first(self) -> dict[str, Any]:
        """The first cause."""
        causes = self.said.report.get("causes") or []
        assert causes, f"no cause is named: {self.said.out}"
        cause: dict[str, Any] = causes[0]
        return cause


def play(stage: Stage, case: Case) -> Played:
    """Deploy a case as its user would: the good version first where there is one."""
    for name, text in case.others.items():
        stage.register(name, text)
    if case.prepare is not None:
        case.prepare(stage, case.name)
    try:
        return _deployed(stage, case)
    finally:
        if case.after is not None:
            case.after(stage, case.name)


def _deployed(stage: Stage, case: Case) -> Played:
    if case.before is not None:
        good = stage.deploy(case, case.before)
        assert good.code == 0, f"the good version: {good.out}{good.err}"
    if case.change is not None:
        case.change(stage, case.name)
    with _meanwhile(stage, case):
        said = stage.deploy(case, case.job, *case.options)
    return Played(case, stage, said)


@contextmanager
def _meanwhile(stage: Stage, case: Case) -> Iterator[None]:
    if case.meanwhile is None:
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        act = case.meanwhile
        doing = pool.submit(lambda: act(stage, case.name))
        yield
        doing.result()


def play_and_leave(stage: Stage, case: Case) -> Played:
    """Play a case, and stop its jobs: Nomad's client keeps the files of some fifty instances."""
    played = play(stage, case)
    there = stage.nomad(f"/v1/job/{case.name}/allocations") or []
    for name in (case.name, *case.others):
        stage.leave(name)
    return replace(played, allocations=tuple(there))


class Playing:
    """Cases being played, several at once; each is waited for by whoever asks for it."""

    def __init__(self, stage: Stage, chosen: Iterable[Case], at_once: int) -> None:
        self._pool, self._last = ThreadPoolExecutor(at_once), ThreadPoolExecutor(1)
        crowd: list[Case] = []
        alone: list[Case] = []
        for case in chosen:
            (alone if case.needs == "alone" else crowd).append(case)
        self._ends = {case.name: self._pool.submit(play_and_leave, stage, case) for case in crowd}
        self._last.submit(wait, tuple(self._ends.values()))
        self._ends |= {case.name: self._last.submit(play_and_leave, stage, case) for case in alone}

    def end(self, case: Case) -> Played:
        """How a case ended; raises what it raised."""
        return self._ends[case.name].result()

    def close(self) -> None:
        """Begin nothing more, and wait for all that still runs."""
        self._last.shutdown(wait=False, cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)
        self._last.shutdown()


def judge(played: Played) -> None:
    """AssertionError unless the command told the truth about the case, and all of it."""
    case, said = played.case, played.said
    everything = said.out + said.err
    short = digest(said)
    for hidden in case.hides:
        assert played.stage.text(hidden, case.name) not in everything
    if case.code == REFUSED:
        assert said.code == REFUSED, short
        assert re.search(played.stage.text(case.says, case.name), said.error["message"]), said.error
        return
    report = said.report
    assert "verdict" in report, short
    got = (report["verdict"], said.code, report["code"])
    assert got == (case.verdict, case.code, case.code), short
    if case.kind is None:
        assert report["causes"] == [], report["causes"]
    else:
        _judge_cause(played)
    if case.never:
        assert not re.search(case.never, report["sentence"]), report["sentence"]
    if case.succeeds:
        assert not case.says, "a success has nothing to say"
    else:
        assert re.match(r"toolkit [a-z-]+ \S", report["next"] or ""), report["next"]


def digest(said: Said) -> str:
    """What a command said, as far as a failed assertion needs it."""
    report = said.report
    told = [f"{said.code} {report.get('verdict')}: {report.get('sentence')}"]
    told += [json.dumps(each, ensure_ascii=False) for each in report.get("causes") or []]
    told += [json.dumps(report["error"], ensure_ascii=False)] if "error" in report else []
    return "\n".join([*told, said.err])


def _judge_cause(played: Played) -> None:
    case, stage = played.case, played.stage
    there = played.allocations
    if there is None:
        there = stage.nomad(f"/v1/job/{case.name}/allocations") or ()
    judge_cause(case, played.first, lambda text: stage.text(text, case.name), there)


def judge_cause(
    case: Case,
    cause: Mapping[str, Any],
    text: Callable[[str], str],
    allocations: Iterable[Mapping[str, Any]],
) -> None:
    """AssertionError unless it is the case's first cause, at a place that is real.

    `text` fills in the words of the case; `allocations` are the job's, as Nomad lists them.
    """
    told = [cause["summary"], *cause["evidence"]]
    assert cause["kind"] == case.kind, cause
    assert any(re.search(text(case.says), line) for line in told), cause
    if case.never:
        assert not any(re.search(case.never, line) for line in told), cause
    assert cause["advice"], "no advice"
    keys = {"allocation": "ID", "node": "NodeName", "group": "TaskGroup"}
    there = list(allocations)
    mine = [a for a in there if a["ID"] == cause["allocation"]] or there
    for what, name in case.place.items():
        right = {a[keys[what]] for a in mine} if name == ANY else {name}
        assert cause[what] in right, (what, cause)
