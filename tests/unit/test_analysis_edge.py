"""Traefik's own counts: read from its text, taken apart in spans, and never guessed."""

from __future__ import annotations

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.traefik import Traefik
from toolkit.clients.traefik_metrics import service_counts
from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout.analysis.metrics import Reading, compare
from toolkit.spec.analysis import AnalysisSettings, ServiceCount
from toolkit.spec.target import Endpoint

SETTINGS = AnalysisSettings(samples=100)

TEXT = """\
# HELP traefik_service_requests_total How many HTTP requests were processed
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web-1@consulcatalog"} 90
traefik_service_requests_total{code="500",method="GET",protocol="http",service="web-1@consulcatalog"} 3
traefik_service_requests_total{code="502",method="POST",protocol="http",service="web-1@consulcatalog"} 2
traefik_service_requests_total{code="404",method="GET",protocol="http",service="web-1@consulcatalog"} 5
traefik_service_requests_total{code="500",method="GET",protocol="http",service="web-1@file"} 7
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web-1@consulcatalog",le="0.1"} 80
traefik_service_request_duration_seconds_bucket{code="500",method="GET",protocol="http",service="web-1@consulcatalog",le="0.1"} 1
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web-1@consulcatalog",le="1"} 90
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web-1@consulcatalog",le="+Inf"} 90
traefik_service_requests_bytes_total{code="200",method="GET",protocol="http",service="web-1@consulcatalog"} 0
go_goroutines 40
"""  # noqa: E501  as Traefik writes it


def test_counts_are_summed_over_methods_and_codes_of_one_provider() -> None:
    found = service_counts(TEXT, "consulcatalog")
    assert found == {"web-1": ServiceCount(100, 5, {0.1: 81, 1.0: 90})}


@pytest.mark.parametrize(
    "text", ["<html>a page</html>", "traefik_service_requests_total 5", '{"json": 1}']
)
def test_another_text_is_no_list_of_metrics(text: str) -> None:
    with pytest.raises(ValueError, match="metric"):
        service_counts(text, "consulcatalog")


@pytest.mark.parametrize("text", ["", "# TYPE go_goroutines gauge\ngo_goroutines 40\n"])
def test_a_traefik_that_served_nobody_yet_counts_nothing(text: str) -> None:
    assert service_counts(text, "consulcatalog") == {}


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(b"404 page not found\n", 404), NotFoundError, "has no metrics"),
        (Reply(b"401 Unauthorized\n", 401), DeniedError, "401 Unauthorized"),
        (Reply(b"<html>hello</html>"), ApiError, "is no list of metrics"),
    ],
)
def test_what_cannot_be_read_is_an_error(reply: Reply, error: type[ApiError], says: str) -> None:
    with Scripted(reply) as server, Traefik(Endpoint("Traefik", server.address, "test")) as traefik:
        with pytest.raises(error, match=says) as caught:
            traefik.metrics()
        assert [asked.path for asked in server.asked] == ["/metrics"]
    if error is NotFoundError:
        assert "--metrics.prometheus" in str(caught.value.hint)


def test_metrics_are_read_at_the_api() -> None:
    def answer(_asked: Asked) -> Reply:
        return Reply(TEXT.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    with Scripted(answer) as server, Traefik(Endpoint("Traefik", server.address, "test")) as client:
        assert client.metrics()["web-1"].failed == 5


# Spans.


def reading(**counts: ServiceCount) -> Reading:
    return Reading(dict(counts))


def count(requests: int, failed: int = 0, fast: int | None = None) -> ServiceCount:
    """So many requests, of which `fast` took no longer than 100 ms and all no longer than 1 s."""
    fast = requests if fast is None else fast
    return ServiceCount(requests, failed, {0.1: fast, 0.25: fast, 1.0: requests})


def test_each_span_is_what_was_counted_in_it() -> None:
    found = compare(
        SETTINGS,
        reading(a=count(1000, 50), b=count(10)),
        reading(a=count(1200, 52), b=count(20)),
        reading(a=count(1500, 90), b=count(50, 1)),
    )
    assert (found.unseen, found.whole) == (None, False)
    assert found.before is not None
    assert found.since is not None
    assert (found.before.requests, found.before.failed) == (210, 2)
    assert (found.since.requests, found.since.failed) == (330, 39)


def test_with_too_little_before_all_that_was_counted_is_what_was_before() -> None:
    found = compare(
        SETTINGS, reading(a=count(1000, 50)), reading(a=count(1010, 50)), reading(a=count(1400, 60))
    )
    assert (found.unseen, found.whole) == (None, True)
    assert found.before is not None
    assert (found.before.requests, found.before.failed) == (1010, 50)


@pytest.mark.parametrize(
    ("first", "routed", "last", "says"),
    [
        (Reading(unseen="no metrics"), reading(a=count(1)), reading(a=count(2)), "no metrics"),
        (reading(a=count(1)), Reading(unseen="it is silent"), reading(a=count(2)), "it is silent"),
        (reading(a=count(1)), reading(a=count(2)), Reading(unseen="denied"), "denied"),
        (reading(a=count(1)), reading(a=count(2)), reading(b=count(3)), "not the same Traefiks"),
        (reading(a=count(900)), reading(a=count(950)), reading(a=count(3)), "started anew"),
        (reading(a=count(1)), reading(a=count(9)), reading(a=count(900)), "9 before the canaries"),
        (reading(a=count(1)), reading(a=count(900)), reading(a=count(950)), "50 since"),
    ],
)
def test_what_cannot_be_compared_says_why(
    first: Reading, routed: Reading, last: Reading, says: str
) -> None:
    found = compare(SETTINGS, first, routed, last)
    assert says in (found.unseen or "")


def test_a_traefik_started_anew_before_the_canaries_came_is_read_from_its_start() -> None:
    found = compare(
        SETTINGS, reading(a=count(900)), reading(a=count(200)), reading(a=count(400, 9))
    )
    assert (found.unseen, found.whole) == (None, True)
    assert found.since is not None
    assert (found.since.requests, found.since.failed) == (200, 9)


def test_slow_is_beyond_the_bound_that_was_usual() -> None:
    found = compare(
        SETTINGS,
        reading(a=count(0)),
        reading(a=count(200, fast=198)),
        reading(a=count(400, fast=298)),
    )
    # 95 of 100 were within 0.1 s: half more is allowed, and the next bound is 0.25 s.
    assert found.slow_above == 0.25
    assert found.before is not None
    assert found.since is not None
    assert (found.before.slow, found.since.slow) == (2, 100)


def test_without_a_bound_above_what_was_usual_nothing_is_slow() -> None:
    found = compare(
        SETTINGS,
        reading(a=count(0)),
        reading(a=count(200, fast=10)),
        reading(a=count(400, fast=10)),
    )
    assert (found.slow_above, found.unseen) == (None, None)
    assert found.since is not None
    assert found.since.slow == 0
