"""What the commands print that go on until they are ended: a document for each change."""

from __future__ import annotations

from toolkit.spec.loop import TurnWord
from toolkit.spec.sight import ChangeWord, SightWord
from toolkit.views.schemas.words import (
    Schema,
    many,
    maybe,
    moment,
    number,
    one,
    record,
    some,
    target,
    text,
    texts,
    whole,
    word,
)

CHANGE = record(
    "One transition",
    word=word("What it is about; left: an instance or job that is not there any more", ChangeWord),
    text=some("As it is said"),
)

JOB_SIGHT = record(
    "The job that is watched",
    name=some("Nomad's id"),
    state=some("running, pending, dead, stopped or not deployed"),
    release=maybe(text("The release in its meta")),
    version=maybe(whole("Its version; null: not deployed")),
    deployment=maybe(text("Status of the deployment of this version")),
    healthy=maybe(whole("Healthy instances by Nomad's word; null: nothing judges them")),
    wanted=maybe(whole("Instances that should run; null where nobody says")),
)

STATUS_WATCH = record(
    "`toolkit status --watch`: what is there, one document a line for each change",
    word=word(
        "seen: the first look; lost, back: an API; gone: the job, and the watch is over", SightWord
    ),
    at=moment("When"),
    **target(),
    changes=many("What is new", "change"),
    job=maybe(one("job_sight")),
    instances=many("Of that job, each with its chain; the newest version first", "instance"),
    jobs=many("All jobs; empty when one is watched", "row"),
)

DEV_WATCH = record(
    "`toolkit dev watch`: one document a line for each turn; lines of logs are `log` documents",
    word=word("What became of the job", TurnWord),
    job=text("The job; empty for what concerns no single one"),
    sentence=some("It in a sentence"),
    seconds=number("From the change being noticed to the end of the turn"),
    files=whole("Watched files that hold something else than before"),
    release=maybe(text("The release that was deployed, or would have been")),
    hint=maybe(text("The next command to type, or what to do")),
    causes=texts("Why it failed, the first cause first"),
)

PARTS: dict[str, Schema] = {"change": CHANGE, "job_sight": JOB_SIGHT}

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "dev-watch": (1, DEV_WATCH),
    "status-watch": (1, STATUS_WATCH),
}
"""The documents, by the name and the number in their key `schema`."""
