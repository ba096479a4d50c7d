"""Idempotency keys: the same question is answered as the first time, and only that one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from kick.writer import Writer

from tests.services.kick.desk_of_writer import (
    NAME,
    ZONE,
    Desk,
    Gate,
    a,
    workload,
)
from tests.services.kick.shaky import Shaky
from toolkit.errors import (
    KeyReusedError,
    TakenError,
)

SHOP, RIVAL = workload(), workload("rival")


def test_the_same_question_is_answered_once(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    first = writer.write(desk.put(), caller=SHOP, key="k")
    again = writer.write(desk.put(), caller=SHOP, key="k")
    assert again == replace(first, replayed=True)
    # However much happened in between: it is the answer to the first question.
    writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP)
    assert writer.write(desk.put(), caller=SHOP, key="k") == replace(first, replayed=True)
    assert writer.standing(ZONE, NAME).records == (a(NAME, "10.0.0.2"),)
    with pytest.raises(KeyReusedError):
        writer.write(desk.put(NAME, "10.0.0.3"), caller=SHOP, key="k")
    with pytest.raises(KeyReusedError):
        writer.write(desk.remove(), caller=SHOP, key="k")
    assert len(shaky.batches) == 2


def test_a_key_is_its_caller_s_own(desk: Desk, writer: Writer) -> None:
    writer.write(desk.put(), caller=SHOP, key="k")
    # Another instance of the job is the same caller, another job is not.
    other = replace(SHOP, allocation="another", task="sidecar")
    assert writer.write(desk.put(), caller=other, key="k").replayed
    with pytest.raises(TakenError):
        writer.write(desk.put(job="rival"), caller=RIVAL, key="k")
    assert not writer.write(desk.put("r.example.com", job="rival"), caller=RIVAL, key="k").replayed


def test_two_at_once_with_one_key_are_one_write(desk: Desk, shaky: Shaky, gate: Gate) -> None:
    with desk.opened() as writer, ThreadPoolExecutor(4) as pool, gate.closed(shaky):
        first = pool.submit(writer.write, desk.put(), caller=SHOP, key="k")
        gate.reached()
        others = [pool.submit(writer.write, desk.put(), caller=SHOP, key="k") for _ in range(3)]
        gate.open()
        assert not first.result().replayed
        assert all(other.result() == replace(first.result(), replayed=True) for other in others)
    assert len(shaky.batches) == 1


def test_what_was_refused_may_be_asked_again(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    shaky.plant(ZONE, a())
    writer.refresh(ZONE)
    with pytest.raises(TakenError):
        writer.write(desk.put(), caller=SHOP, key="k")
    shaky.pull(ZONE, a())
    writer.refresh(ZONE)
    assert not writer.write(desk.put(), caller=SHOP, key="k").replayed


def test_keys_outlive_a_restart_and_end_after_a_day(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:
        first = writer.write(desk.put(), caller=SHOP, key="k")
        gone = writer.write(desk.remove(), caller=SHOP, key="l")
    with desk.opened() as writer:
        assert writer.write(desk.put(), caller=SHOP, key="k") == replace(first, replayed=True)
        assert writer.write(desk.remove(), caller=SHOP, key="l") == replace(gone, replayed=True)
        with pytest.raises(KeyReusedError):
            writer.write(desk.put(NAME, "10.0.0.9"), caller=SHOP, key="k")
        assert len(shaky.batches) == 2
        desk.hands.at += 24 * 3600 + 1
        assert not writer.write(desk.put(), caller=SHOP, key="k").replayed


def test_only_so_many_keys_are_remembered(desk: Desk) -> None:
    desk.limits = replace(desk.limits, keys=3)
    with desk.opened() as writer:
        for number in range(5):
            writer.write(desk.put(f"n{number}.example.com"), caller=SHOP, key=f"k{number}")
        replayed = [
            writer.write(desk.put(f"n{number}.example.com"), caller=SHOP, key=f"k{number}").replayed
            for number in (4, 3, 2, 0)
        ]
    assert replayed == [True, True, True, False]
