"""What a rollout is in time: the parts that its page draws."""

from __future__ import annotations

from toolkit.spec.lock import LockState
from toolkit.spec.timeline import MarkKind, Phase, Role
from toolkit.views.schemas.words import (
    Schema,
    flag,
    many,
    maybe,
    moment,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

SPAN = record(
    "One phase of one instance",
    phase=word("What it was", Phase),
    began=moment("From when"),
    ended=maybe(moment("Until when; null: it still lasted when it was last looked at")),
)

SIGHTING = record(
    "From when on Nomad, Consul or Traefik said something else of an instance",
    system=word("Who said it", ["Nomad", "Consul", "Traefik"]),
    word=text(
        "Nomad: healthy, unhealthy, leaving; Consul: passing, warning, critical, gone; Traefik: "
        "up, down, missing"
    ),
    at=moment("When it was told"),
)

BAR = record(
    "One instance over the time of the rollout",
    allocation=some("Full id"),
    group=text("The job's group"),
    node=text("Name of the node"),
    version=whole("The job version that it belongs to"),
    release=maybe(text("Its release")),
    role=word("restored: made by a revert", Role),
    spans=many("Its phases in time, without holes", "span"),
    end=maybe(word("How it ended; null: it was still there", ["gone", "failed", "lost"])),
    sightings=many("What Nomad, Consul and Traefik said of it", "sighting"),
)

MARK = record(
    "Something that happened at one moment",
    at=moment("When"),
    kind=word("failure: of one instance; failed: of the whole rollout", MarkKind),
    text=text("In words"),
    allocation=maybe(text("The instance; null: of the whole rollout")),
)

TIMELINE = record(
    "The rollout in time, instance by instance",
    began=moment("Of the registration"),
    ended=moment("Of the last look"),
    bars=many("The instances, old ones first", "bar"),
    marks=many("In time", "moment"),
    notes=texts("What is not in it, and why"),
)

PROVENANCE = record(
    "Where a job version came from, as its tag in Nomad says",
    tag=maybe(text("The tag's name; null where the version could not be tagged")),
    release=maybe(text("Its release")),
    version=whole("The job version"),
    commit=maybe(text("Git commit of the project; null outside of a repository")),
    dirty=maybe(flag("True when the work tree differed from it")),
    digest=text("SHA-256 over the template's files, the variables and the job file's values"),
    actor=text("Who deployed it: user@host, or what a CI job said of itself"),
    tool=text("Version of toolkit"),
    verdict=maybe(text("How its rollout ended; null while that is not known")),
    at=moment("Of the deploy"),
    copy_of=maybe(whole("The version that Nomad made this one of by itself")),
)

LAST_VERIFIED = record(
    "The release that was last verified to serve",
    release=maybe(text("The release")),
    version=whole("The job version"),
    at=moment("Of the verification"),
    tag=maybe(text("The version's tag")),
    actor=text("Who verified it"),
)

LOCK = record(
    "The deploy lock of the job, as it stood at the end",
    state=word("none: there was none to take", LockState),
    path=some("Of the Nomad variable"),
    reason=text("Why it is not held; empty when it is"),
    waited={"description": "Seconds until it was ours", "type": "number", "minimum": 0},
)

HOLDER = record(
    "Whose a deploy lock is, as they wrote it down",
    actor=text("`user@host`, or what a CI job says of itself"),
    host=text("The machine that the command runs on"),
    command=text("The command that holds it"),
    release=maybe(text("The release that it deploys")),
    since=moment("When it was taken, by the holder's clock"),
)

KEPT = record(
    "One kept report",
    id=some("`toolkit report ID` shows it"),
    at=moment("When it was kept"),
    job=text("Nomad's id of the job"),
    environment=text("The environment of toolkit.toml"),
    namespace=text("Nomad's namespace"),
    verdict=text("The end in one word"),
    sentence=text("The end in one sentence"),
    release=maybe(text("The release asked for")),
    version=maybe(whole("Job version that was registered")),
)

PARTS: dict[str, Schema] = {
    "holder": HOLDER,
    "bar": BAR,
    "kept": KEPT,
    "last_verified": LAST_VERIFIED,
    "lock": LOCK,
    "moment": MARK,
    "provenance": PROVENANCE,
    "sighting": SIGHTING,
    "span": SPAN,
    "timeline": TIMELINE,
}
