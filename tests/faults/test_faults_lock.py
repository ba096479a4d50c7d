"""Two who change a job at once, on a Nomad whose check index lets both of them through.

Before 1.11.5 Nomad looked at the check index before it queued a registration, and not when it wrote
it down, so of two requests at the same moment both could win. A request whose `EnforceIndex` is
taken away on the road is what such a Nomad makes of the second one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.faults.proxy import FaultProxy, Rule
from toolkit.rollout.lock import path_of

pytestmark = pytest.mark.agents

REGISTER = r"/v1/jobs(\?|$)"
RENEW = r"/v1/var/toolkit/locks/.*lock-renew"
NO_LOCKS = Rule("status", path="/v1/var/toolkit/locks/", status=403, text="Permission denied")
LONG = 60.0


def racy(body: bytes) -> bytes:
    """A registration as the racy Nomad takes it: whatever the index is."""
    return json.dumps({**json.loads(body), "EnforceIndex": False}).encode()


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "races")
    yield shop
    for name in shop.made:
        shop.nomad(f"/v1/var/{path_of(name)}", method="DELETE")
    shop.close()


@pytest.fixture(scope="module")
def services(shop: Shop) -> Iterator[str]:
    """Names of services at 1.0.0, one for each test."""
    return iter(shop.all_deployed([{}] * 3))


@pytest.fixture
def ann(shop: Shop) -> Iterator[FaultProxy]:
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        yield proxy


@pytest.fixture
def bob(shop: Shop) -> Iterator[FaultProxy]:
    """Bob's registrations are taken by a racy Nomad."""
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        yield proxy


def bump(shop: Shop, name: str, release: str, through: FaultProxy, **how: object) -> Said:
    more = ("--release", release, "--nomad-addr", through.address)
    return shop.deploy(name, *more, **how)  # type: ignore[arg-type]


def test_without_a_lock_both_are_registered_and_the_read_back_tells_the_loser(
    shop: Shop, services: Iterator[str], ann: FaultProxy, bob: FaultProxy
) -> None:
    name = next(services)
    planned, go, registered = threading.Event(), threading.Event(), threading.Event()
    said: list[Said] = []

    def wait_for_ann() -> None:
        planned.set()
        assert go.wait(LONG)

    def let_bob_in() -> None:
        go.set()
        assert registered.wait(LONG)

    def before_the_read_back() -> None:
        ann.add(Rule("pass", "GET", rf"/v1/job/{name}(\?|$)", times=1, before=let_bob_in))

    bob.add(NO_LOCKS, Rule("forge", "POST", REGISTER, rewrite=racy, before=wait_for_ann))
    ann.add(NO_LOCKS, Rule("pass", "POST", REGISTER, before=before_the_read_back))
    on = {"submit ": registered.set}
    thread = threading.Thread(target=lambda: said.append(bump(shop, name, "1.2.0", bob, on=on)))
    thread.start()
    assert planned.wait(LONG)
    loser = bump(shop, name, "1.1.0", ann)
    thread.join(LONG)
    [winner] = said
    # Both planned on version 0, and both were let in.
    assert (loser.report["plan"]["check_index"], loser.report["version"]) == (
        winner.report["plan"]["check_index"], 1,
    )  # fmt: skip
    assert (loser.code, loser.report["verdict"]) == (7, "superseded"), loser.err
    assert loser.report["serving"] is None
    assert (winner.code, winner.report["verdict"]) == (0, "deployed"), winner.err
    assert (winner.report["version"], shop.job(name)["Version"]) == (2, 2)
    assert shop.serves(name) == ["1.2.0"]
    for one in (loser, winner):
        assert one.report["lock"]["state"] == "none"
        notes = [text for text in one.told("note") if text.startswith("without a deploy lock: ")]
        assert len(notes) == 1


def test_with_the_lock_the_second_never_submits(
    shop: Shop, services: Iterator[str], ann: FaultProxy, bob: FaultProxy
) -> None:
    name = next(services)
    said: list[Said] = []
    bob.add(Rule("forge", "POST", REGISTER, rewrite=racy))
    meanwhile = lambda: said.append(bump(shop, name, "1.2.0", bob))  # noqa: E731
    ann.add(Rule("pass", "POST", REGISTER, times=1, before=meanwhile))
    winner = bump(shop, name, "1.1.0", ann)
    [refused] = said
    assert refused.code == 1, refused.out
    assert f"{name} is locked by " in refused.error["message"]
    assert bob.count("POST", REGISTER) == 0
    assert (winner.code, winner.report["verdict"]) == (0, "deployed"), winner.err
    assert shop.job(name)["Version"] == 1
    assert shop.serves(name) == ["1.1.0"]


def test_whose_lock_is_broken_under_way_is_told_and_ends_what_was_begun(
    shop: Shop,
    services: Iterator[str],
    ann: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = next(services)
    monkeypatch.setattr("toolkit.rollout.lock_held.BEAT", 0.05)

    def unlock() -> None:
        done = shop.toolkit("unlock", name, "--reason", "it hangs")
        assert done.code == 0, done.err
        # The renewal that finds out, and the look at who did it.
        ann.wait_for("GET", r"/v1/var/toolkit/locks/", timeout=LONG)

    ann.add(Rule("status", "PUT", RENEW, times=2, status=500, text="No cluster leader"))
    said = bump(shop, name, "1.1.0", ann, on={"canary ": unlock})
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert said.report["lock"]["state"] == "lost"
    assert said.report["lock"]["reason"].endswith(": it hangs")
    [note] = [text for text in said.told("note") if "broken by" in text]
    assert note.endswith("it hangs; what is registered is followed to its end")
    assert ann.count("PUT", r"lock-release") == 0
