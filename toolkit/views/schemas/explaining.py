"""What `toolkit explain` prints."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.explain import Condition, Kind
from toolkit.views.schemas.words import (
    Schema,
    code,
    many,
    maybe,
    moment,
    record,
    some,
    target,
    text,
    texts,
    whole,
    word,
)

FACT = record(
    "One line worth knowing",
    name=some("One short word: version, rollout, consul, …"),
    text=text("What is known"),
)

LIFE = record(
    "One event in a life",
    at=moment("When"),
    who=text("The task, the scheduler, the node's part"),
    text=text("What happened"),
)

EXPLAIN = record(
    "`toolkit explain`: how one thing is, since when, why, and what now",
    code=code(ExitCode.OK),
    **target(),
    asked=some("What was asked about, as typed"),
    now=moment("When it was looked"),
    kind=word("What it is", Kind),
    id=some("The job's id, or the whole UUID"),
    job=maybe(text("The job that it belongs to; null for a node")),
    word=word("How it is", Condition),
    sentence=some("The same in one sentence"),
    since=maybe(moment("From when on it is so")),
    causes=many("Why; the first cause first", "cause"),
    facts=many("What is worth knowing", "fact"),
    timeline=many("Its life in order of time; of allocations and nodes", "life"),
    output=texts("The last lines of a task where no cause shows them"),
    unseen=texts("What could not be seen, and why"),
    next=maybe(text("The next command to type")),
    calls=whole("HTTP calls made to Nomad"),
)

PARTS: dict[str, Schema] = {"fact": FACT, "life": LIFE}

DOCUMENTS: dict[str, tuple[int, Schema]] = {"explain": (1, EXPLAIN)}
