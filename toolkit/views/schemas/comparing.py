"""Canaries compared with stable instances, for programs."""

from __future__ import annotations

from toolkit.spec.analysis import AnalysisWord
from toolkit.views.schemas.words import (
    Schema,
    flag,
    many,
    maybe,
    moment,
    number,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

SETTINGS = record(
    "How canaries are compared with stable instances",
    samples=whole("Requests to each side before anything is judged", 1),
    rate=number("Requests per second to each side"),
    hold=number("Seconds compared at least"),
    deadline=number("Seconds compared at most"),
    paths=texts("Where both sides are asked"),
    timeout=number("Seconds for one request"),
    errors=number("Share of requests by which canaries may fail more, 0 to 1"),
    confidence=number("One minus the chance of a false alarm"),
    latency=number("Times the stable latency that a canary's may be"),
    latency_least=number("Seconds of difference that are none"),
    percentile=number("Of the latency"),
)

SIDE = record(
    "What the instances of one side answered",
    instances=whole("Instances asked at the end"),
    requests=whole("Requests"),
    failed=whole("Of these, failed"),
    latency=maybe(number("Seconds at the percentile; null without a good answer")),
)

COUNT = record(
    "What Traefik counted for the service in one span of time",
    requests=whole("Requests"),
    failed=whole("Answers with a status from 500 on"),
    slow=whole("Answers slower than the bound"),
)

EDGE = record(
    "Traefik's own counts",
    before=maybe(one("edge_count")),
    since=maybe(one("edge_count")),
    slow_above=maybe(number("The bound in seconds; null: not compared")),
    unseen=maybe(text("Why they are not part of it; null: they are")),
    whole=flag("The first span goes back to Traefik's start"),
)

SECOND = record(
    "What both sides answered in one second",
    at=whole("Second since the epoch"),
    canary_requests=whole("Requests to canaries"),
    canary_failed=whole("Of these, failed"),
    canary_mean=number("Seconds on average"),
    canary_slowest=number("Seconds of the longest"),
    stable_requests=whole("Requests to stable instances"),
    stable_failed=whole("Of these, failed"),
    stable_mean=number("Seconds on average"),
    stable_slowest=number("Seconds of the longest"),
)

FAILURE = record(
    "One request to an instance that got no good answer",
    at=moment("When it ended"),
    side=word("Who was asked", ["canary", "stable"]),
    allocation=some("Full id"),
    path=some("What was asked"),
    what=text("What came instead"),
)

STEP = record(
    "One step: its canaries beside the stable instances",
    canaries=whole("Canaries compared"),
    word=word("What was found", AnalysisWord),
    reason=text("What decided"),
    began=moment("When it began"),
    ended=moment("When it ended"),
    canary=one("analysis_side"),
    stable=one("analysis_side"),
    edge=one("analysis_edge"),
    looks=whole("Times that it was judged"),
    seconds=many("Second by second", "analysis_second"),
    failures=many("The first failures of each side, at most 20", "analysis_failure"),
    notes=texts("What else has to be known of it"),
)

ANALYSIS = record(
    "Canaries compared with stable instances before their promotion",
    word=word("Of the last step", AnalysisWord),
    settings=one("analysis_settings"),
    steps=many("Each step that was compared", "analysis_step"),
)

PARTS: dict[str, Schema] = {
    "analysis": ANALYSIS,
    "analysis_edge": EDGE,
    "analysis_failure": FAILURE,
    "analysis_second": SECOND,
    "analysis_settings": SETTINGS,
    "analysis_side": SIDE,
    "analysis_step": STEP,
    "edge_count": COUNT,
}
