"""The book of a probe: what counts, since when nothing was answered well, who answered when."""

from __future__ import annotations

import pytest

from toolkit.rollout.probe.tally import MOST_FAILURES, Answered, Tally
from toolkit.spec.probe import ProbeBudget

EPOCH = 1_000_000.0


def tally(*, counting: bool = True, latency: float | None = None) -> Tally:
    return Tally(ProbeBudget(latency=latency, percentile=90), EPOCH, counting)


def answer(
    book: Tally,
    sent: float,
    ended: float | None = None,
    release: str | None = "1.0.0",
    problem: str | None = None,
) -> None:
    """One request, from its beginning to its end."""
    number = book.requests + len(book.under_way) + 1000
    book.send(number, sent)
    end = sent if ended is None else ended
    book.take(Answered(number, sent, end, "GET", "/", release, problem))


def test_good_and_bad_ones_are_counted_by_second_and_release() -> None:
    book = tally()
    answer(book, 0.1, 0.2)
    answer(book, 0.5, 0.9)
    answer(book, 0.8, 1.3, "1.1.0", "HTTP 500")
    answer(book, 1.2, 1.3, None, "connection refused")
    rows = {(row.at - EPOCH, row.release): row for row in book.rows()}
    assert set(rows) == {(0, "1.0.0"), (0, "1.1.0"), (1, None)}
    first = rows[0, "1.0.0"]
    assert (first.requests, first.failed) == (2, 0)
    assert first.slowest == pytest.approx(0.4)
    assert first.mean == pytest.approx(0.25)
    assert (book.requests, book.failed) == (4, 2)
    assert [failure.what for failure in book.failures] == ["HTTP 500", "connection refused"]
    assert book.failures[0].at == EPOCH + 0.8


def test_the_first_failures_are_kept_whatever_order_they_end_in() -> None:
    book = tally()
    for number in reversed(range(MOST_FAILURES + 20)):
        answer(book, float(number), problem="HTTP 502")
    assert [f.at - EPOCH for f in book.failures] == [float(n) for n in range(MOST_FAILURES)]
    assert book.failed == MOST_FAILURES + 20


def test_an_outage_is_a_gap_from_the_first_request_that_failed() -> None:
    book = tally()
    answer(book, 1.0, 1.1)
    for at in (2.0, 3.0, 4.0):
        answer(book, at, at + 0.1, problem="HTTP 502")
        assert book.figures(at + 0.1).gap == pytest.approx(at + 0.1 - 2.0)
    answer(book, 5.0, 5.2)
    assert book.figures(9.0).gap == pytest.approx(3.2)
    assert book.failed_since is None


def test_a_request_that_hangs_is_a_gap_before_it_ends() -> None:
    book = tally()
    answer(book, 1.0, 1.1)
    book.send(7, 2.0)
    assert book.figures(4.5).gap == pytest.approx(2.5)
    # Others are answered meanwhile: it is slow, and nothing is down.
    answer(book, 3.0, 3.1)
    assert book.figures(4.5).gap == pytest.approx(1.4)


def test_the_time_between_two_requests_is_no_gap() -> None:
    book = tally()
    for at in (0.0, 10.0, 20.0):
        answer(book, at, at + 0.01)
    assert book.figures(29.0).gap == pytest.approx(0.01)


def test_a_process_that_stood_still_missed_nothing() -> None:
    book = tally()
    answer(book, 1.0, 1.1)
    book.send(7, 2.0)
    book.forgive(30.0)
    assert book.figures(32.5).gap == pytest.approx(0.5)
    book.take(Answered(7, 2.0, 32.4, "GET", "/", "1.0.0"))
    assert book.latency() == pytest.approx(0.4)
    assert book.figures(33.0).gap == pytest.approx(0.4)


def test_before_anything_serves_nothing_can_be_lost() -> None:
    book = tally(counting=False)
    for at in (0.0, 1.0, 2.0):
        answer(book, at, release=None, problem="HTTP 404")
    assert (book.requests, book.failed, book.figures(3.0).gap) == (0, 0, 0.0)
    answer(book, 3.0, 3.1, "1.1.0")
    answer(book, 4.0, 4.1, "1.1.0", "HTTP 500")
    assert (book.requests, book.failed) == (2, 1)


def test_what_one_goes_away_from_may_fail_until_it_is_gone() -> None:
    book = tally(counting=False)
    book.until_told = True
    answer(book, 0.0, release="1.1.0", problem="HTTP 500")
    answer(book, 1.0, release="1.0.0")
    answer(book, 2.0, release="1.1.0", problem="HTTP 500")
    assert (book.failed, book.figures(3.0).gap) == (0, 0.0)
    book.counting = True
    answer(book, 4.0, release="1.0.0", problem="HTTP 500")
    assert book.failed == 1


def test_told_that_it_serves_it_counts_from_then_on() -> None:
    book = tally(counting=False)
    book.counting = True
    answer(book, 0.0, problem="HTTP 404")
    assert (book.requests, book.failed) == (1, 1)


def test_who_answered_when() -> None:
    book = tally()
    answer(book, 1.0, 1.1, "1.0.0")
    answer(book, 2.0, 2.1, "1.1.0")
    answer(book, 3.0, 3.1, "1.0.0", "HTTP 500")
    answer(book, 4.0, 4.1, "1.1.0")
    assert book.firsts == {"1.0.0": 1.1, "1.1.0": 2.1}
    assert book.lasts == {"1.0.0": 3.1, "1.1.0": 4.1}


def test_latency_is_that_of_good_answers() -> None:
    book = tally(latency=0.5)
    assert book.latency() is None
    for tenth in range(1, 11):
        answer(book, float(tenth), tenth + tenth / 10)
    answer(book, 20.0, 29.0, problem="no answer in 9 s")
    assert book.latency() == pytest.approx(0.9)
    assert book.figures(30.0).slow == 5


def test_what_could_not_be_sent_has_failed() -> None:
    book = tally()
    book.miss(3, 2.0, "GET", "/", "not sent: 64 before it still wait")
    assert (book.requests, book.failed, book.under_way) == (1, 1, {})
    assert book.figures(2.5).gap == pytest.approx(0.5)
