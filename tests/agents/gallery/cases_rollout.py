"""Rollouts as a whole: what Nomad reverts, what it cannot, and several groups at once."""

from __future__ import annotations

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import (
    RESTARTS,
    block,
    doomed,
    group,
    job,
    short_update,
    task,
    web,
)
from tests.agents.gallery.stage import Stage

WHERE = {"group": "web", "allocation": ANY, "node": ANY}
REVERTS = short_update(canary=1, revert=True)
DOOMED = short_update(canary=1, revert=True, steady="20s")
ROLLS = short_update(revert=True)
DOOMED_ROLL = short_update(revert=True, steady="20s")
FRAIL = short_update(revert=True, steady="3s")
"""Of a good version that will fail when it is started again."""
CRASH = "echo FATAL bad flag >&2\nexit 3"
HASTY = short_update(healthy=6, canary=1, revert=True)
LINGERS = 'shutdown_delay = "2s"'
ENDLESS = task("sleep 600", name="migrate", more=block("lifecycle", hook="prestart"))
AGAIN = "\n".join(
    [RESTARTS, block("reschedule", delay="5s", delay_function="constant", unlimited=True)]
)
FLAGGED = "test -e @FOLDER@/@NAME@.flag || { echo the flag is gone >&2; exit 8; }\nexec sleep 3600"
"""Runs for as long as a file is there."""
LATE = "until test -e @FOLDER@/@NAME@.over; do sleep 0.1; done\nexit 9"
"""Fails only after the other one did."""


def _reverted(name: str, text: str, before: str, kind: str, says: str, **more: object) -> Case:
    how: dict[str, object] = {"mode": 16, "place": WHERE, **more}
    return Case(
        name,
        text,
        "reverted",
        8,
        before=before,
        kind=kind,
        says=says,
        **how,  # type: ignore[arg-type]
    )


def _flag(stage: Stage, name: str) -> None:
    stage.flag(name)


def _again(stage: Stage, name: str) -> None:
    """Stopped, and what it needs is gone: the same specification fails now."""
    stage.until_stopped(name)
    stage.flag(name).unlink()


def _gone(stage: Stage, name: str) -> None:
    """What the good version needs is gone."""
    stage.until_stable(name)
    stage.flag(name).unlink()


CASES = (
    _reverted(
        "roll-sick", job(web("sick", release="1.1.0", update=HASTY, more=LINGERS)),
        job(web(update=REVERTS)), "check", r"500.*database is gone",
    ),
    _reverted(
        "roll-sick-at-once", job(web("sick", release="1.1.0", update=HASTY)),
        job(web(update=REVERTS)), "check", r"500.*database is gone", never=r"refused",
    ),
    _reverted(
        "roll-crash", job(group(task(CRASH), update=DOOMED)), job(group(task(), update=REVERTS)),
        "crash", r"stderr: FATAL bad flag",
    ),
    _reverted(
        "roll-no-canary",
        job(group(task(CRASH), update=DOOMED_ROLL)),
        job(group(task(), update=ROLLS)),
        "crash", r"stderr: FATAL bad flag",
    ),
    _reverted(
        "roll-no-revert", job(group(task(CRASH), update=short_update(canary=1, steady="20s"))),
        job(group(task())), "crash", r"stderr: FATAL bad flag",
    ),
    Case(
        "roll-progress",
        job(group(ENDLESS, task(), policy=AGAIN, update=short_update(healthy=3, progress=5))),
        "failed", 3, 17, options=("--no-fail-fast",), kind="slow",
        says=r"healthy_deadline|in time", place=WHERE,
    ),
    Case(
        "roll-first", job(group(task(CRASH), update=DOOMED_ROLL)),
        "failed", 3, 18, kind="crash", says=r"stderr: FATAL bad flag", place=WHERE,
    ),
    Case(
        "roll-to-stopped", job(group(task(FLAGGED), update=FRAIL)),
        "failed", 3, 18, before=job(group(task(FLAGGED), update=FRAIL)),
        prepare=_flag, change=_again,
        kind="crash", says=r"stderr: the flag is gone", place=WHERE, never=r"somebody",
    ),
    Case(
        "roll-both-fail", job(group(task(CRASH), update=DOOMED_ROLL)),
        "failed", 3, 16, before=job(group(task(FLAGGED), update=FRAIL)),
        prepare=_flag, change=_gone,
        kind="crash", says=r"stderr: FATAL bad flag", place=WHERE,
    ),
    Case(
        "roll-order",
        job(
            doomed(task(LATE), name="a-late"),
            doomed(task(CRASH.replace("exit", "touch @FOLDER@/@NAME@.over\nexit")), name="b-early"),
        ),
        "failed", 3, 16, kind="crash", says=r"stderr: FATAL bad flag", never="exited 9",
        place={**WHERE, "group": "b-early", "task": "app"},
    ),
    Case(
        "roll-two-groups", job(group(task(), name="good"), doomed(task(CRASH), name="bad")),
        "failed", 3, 16, kind="crash", says=r"stderr: FATAL bad flag",
        place={**WHERE, "group": "bad", "task": "app"},
    ),
)  # fmt: skip
