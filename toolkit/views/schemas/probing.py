"""What a probe saw, for programs."""

from __future__ import annotations

from toolkit.views.schemas.words import (
    Schema,
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
)

BUDGET = record(
    "What a rollout may cost those who ask",
    failed=number("Share of the requests that may fail, 0 to 1"),
    gap=maybe(number("Longest time without a good answer, in seconds; null: not judged")),
    latency=maybe(number("Longest answer at the percentile, in seconds; null: not judged")),
    percentile=number("Of the latency"),
)

SETTINGS = record(
    "How was asked, and how much",
    rate=number("Requests per second over all paths"),
    paths=texts("Paths, below the route's own"),
    methods=texts("Methods"),
    expect={
        "description": "Good statuses; none: every one from 200 to 399",
        "type": "array",
        "items": {"type": "integer"},
    },
    timeout=number("Seconds for one request"),
    settle=number("Seconds asked on once the old release is gone"),
    most_requests=whole("Requests in all", 1),
    budget=one("probe_budget"),
)

SECOND = record(
    "What one release answered in one second",
    at=whole("Second since the epoch"),
    release=maybe(text("The release; null where nothing named one")),
    requests=whole("Requests"),
    failed=whole("Of these, failed"),
    slowest=number("Seconds of the longest"),
    mean=number("Seconds on average"),
)

FAILURE = record(
    "One request that got no good answer",
    at=moment("When it was sent"),
    method=some("Its method"),
    path=some("Its path"),
    what=text("What it got instead"),
    release=maybe(text("The release that answered it")),
)

PROBE = record(
    "What a probe saw while a release rolled",
    settings=one("probe_settings"),
    address=text("The edge addresses that were asked"),
    host=text("The site"),
    began=moment("When it began"),
    ended=moment("When it ended"),
    requests=whole("Requests that count"),
    failed=whole("Of these, failed"),
    longest_gap=number("Seconds without a good answer, at most"),
    latency=maybe(number("Seconds at the budget's percentile; null without a good answer")),
    first_new=maybe(moment("First answer of the new release")),
    last_old=maybe(moment("Last answer of the old one")),
    last_new=maybe(moment("Last answer of the new one")),
    mixed=maybe(number("Seconds in which both answered")),
    over=maybe(text("Why the budget is spent; null: it is not")),
    seconds=many("Second by second, release by release", "probe_second"),
    failures=many("The first failures, at most 50", "probe_failure"),
    notes=texts("What was not as asked"),
)

PARTS: dict[str, Schema] = {
    "probe": PROBE,
    "probe_budget": BUDGET,
    "probe_failure": FAILURE,
    "probe_second": SECOND,
    "probe_settings": SETTINGS,
}
