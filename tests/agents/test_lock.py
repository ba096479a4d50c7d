"""One change of a job at a time: who waits, who is refused, and what becomes of a lost lock."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from toolkit.rollout.lock import path_of
from toolkit.spec.events import Event
from toolkit.workflows.deploy import DeployOptions, deploy

pytestmark = pytest.mark.agents

WORDS = ("alone", "waits", "broken", "killed", "pressed", "operated", "same", "again")
FAR = "2h"
"""A wait that nothing here reaches."""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "locks")
    yield shop
    for name in shop.made:
        shop.nomad(f"/v1/var/{path_of(name)}", method="DELETE")
    shop.close()


@pytest.fixture(scope="module")
def base(shop: Shop) -> dict[str, str]:
    """A service at 1.0.0 for every test."""
    names = {word: shop.name(word) for word in WORDS}
    shop.all_deployed({"name": name} for name in names.values())
    return names


def bump(shop: Shop, name: str, release: str = "1.1.0", *more: str, **how: Any) -> Said:
    return shop.deploy(name, "--release", release, *more, **how)


def variable(shop: Shop, name: str) -> dict[str, Any]:
    found = shop.nomad(f"/v1/var/{path_of(name)}")
    assert isinstance(found, dict)
    return found


def lock(shop: Shop, name: str, what: str, id_: str, items: dict[str, str] | None = None) -> None:
    """Take or free the lock of a job as another client would."""
    body: dict[str, Any] = {"Path": path_of(name), "Lock": {"ID": id_}}
    if items is not None:
        body["Items"] = items
        body["Lock"] |= {"TTL": "1h", "LockDelay": "1s"}
    assert shop.nomad(f"/v1/var/{path_of(name)}?lock-{what}", body) is not None


@contextmanager
def deploying(shop: Shop, name: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A deploy in a process of its own that has submitted, and waits for a person to promote."""
    process = subprocess.Popen(
        shop.command("deploy", name, "--release", "1.1.0", *more),
        cwd=shop.root, env=shop.environ(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if line.startswith("submit"):
                break
        else:
            raise AssertionError("it never submitted")
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(30)


@pytest.fixture(scope="module")
def killed(shop: Shop, base: dict[str, str]) -> str:
    """A service whose deploy was killed; its lock needs a while to end, in which others are run."""
    with deploying(shop, base["killed"]) as process:
        process.kill()
        process.wait(30)
    return base["killed"]


def test_a_killed_client_keeps_its_lock_for_now(shop: Shop, killed: str) -> None:
    refused = bump(shop, killed, "1.2.0")
    assert refused.code == 1
    assert "(toolkit deploy, release 1.1.0) since " in refused.error["message"]


def test_a_second_deploy_is_refused_and_told_who_is_at_it(shop: Shop, base: dict[str, str]) -> None:
    name, refused = base["alone"], []

    def second() -> None:
        index = shop.job(name)["JobModifyIndex"]
        refused.append(bump(shop, name, "1.2.0"))
        refused.append(bump(shop, name, "1.2.0", "--wait-lock", "500ms"))
        assert shop.job(name)["JobModifyIndex"] == index

    first = bump(shop, name, on={"canary ": second})
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err
    lock = first.report["lock"]
    assert (lock["state"], lock["path"], lock["waited"]) == ("held", path_of(name), 0.0)
    said, waited = refused
    assert (said.code, waited.code) == (1, 1), said.out + waited.out
    message, hint = said.error["message"], said.error["hint"]
    assert message.startswith(f"{name} is locked by ")
    assert socket.gethostname() in message
    assert "(toolkit deploy, release 1.1.0) since " in message
    assert message.endswith("ago; nothing was changed") or "just now" in message
    assert "--wait-lock 10m" in hint
    assert f"toolkit unlock {name} --reason TEXT" in hint
    assert "still after 0.5 s; nothing was changed" in waited.error["message"]
    assert waited.error["hint"].startswith(f"toolkit unlock {name}")
    # Freed at the end, and by whoever comes next.
    assert variable(shop, name)["Lock"] is None
    assert bump(shop, name, "1.2.0").report["lock"]["state"] == "held"


def test_an_unchanged_deploy_takes_no_lock(shop: Shop, base: dict[str, str]) -> None:
    name = base["same"]
    before = variable(shop, name)["ModifyIndex"]
    said = shop.deploy(name)
    assert (said.code, said.report["verdict"], said.report["lock"]) == (0, "unchanged", None)
    assert variable(shop, name)["ModifyIndex"] == before


def test_one_that_waits_goes_after(shop: Shop, base: dict[str, str]) -> None:
    name, came = base["waits"], []
    threads: list[threading.Thread] = []

    def second() -> None:
        waiting = threading.Event()
        on = {"waiting up to": waiting.set}
        wait = ("1.2.0", "--wait-lock", FAR)
        threads.append(threading.Thread(target=lambda: came.append(bump(shop, name, *wait, on=on))))
        threads[0].start()
        assert waiting.wait(60)

    first = bump(shop, name, on={"canary ": second})
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err
    threads[0].join(100)
    [said] = came
    report = said.report
    assert (said.code, report["verdict"], report["serving"]) == (0, "deployed", "1.2.0"), said.err
    assert report["previous_release"] == "1.1.0"
    assert (report["lock"]["state"], report["lock"]["waited"] > 0) == ("held", True)
    [hold] = said.told("hold")
    assert "(toolkit deploy, release 1.1.0) since " in hold


def test_after_waiting_it_plans_and_asks_again_for_what_it_submits(
    shop: Shop, base: dict[str, str]
) -> None:
    name = base["again"]
    session = shop.session(release="1.2.0")
    target = replace(session.target, protected=True)
    session = replace(session, world=replace(session.world, target=target))
    asked: list[str] = []
    told: list[tuple[str, str]] = []
    other = str(uuid.uuid4())
    lock(shop, name, "acquire", other, {"id": other, "actor": "bob@ws", "since": "1"})

    def agree(question: str) -> bool:
        asked.append(question)
        return True

    def listen(event: Event) -> None:
        told.append((event.stage, event.text))
        if event.stage == "hold" and "waiting up to" in event.text:
            # Somebody else's change, with which the plan that was shown is of yesterday.
            job = shop.job(name)
            job["Meta"]["release"] = "1.1.0"
            shop.nomad("/v1/jobs", {"Job": job})
            lock(shop, name, "release", other)

    options = DeployOptions(detach=True, wait_lock=7200.0)
    report = deploy(session, name, options, on_event=listen, confirm=agree)
    session.nomad.close()
    session.consul.close()
    assert report.verdict == "submitted"
    plans = [text.split(" · ")[0] for stage, text in told if stage == "plan"]
    assert plans == ["1.0.0 → 1.2.0", "1.1.0 → 1.2.0"]
    assert len(asked) == 2, asked
    assert any("planning again" in text for stage, text in told if stage == "note")
    job = shop.job(name)
    assert (job["Meta"]["release"], job["Version"]) == ("1.2.0", 2)


def test_a_rollback_that_waits_goes_where_it_said(shop: Shop, base: dict[str, str]) -> None:
    name = base["again"]
    other = str(uuid.uuid4())
    lock(shop, name, "acquire", other, {"id": other, "actor": "bob@ws", "since": "1"})

    def changed() -> None:
        job = shop.job(name)
        job["Meta"]["release"] = "1.3.0"
        shop.nomad("/v1/jobs", {"Job": job})
        lock(shop, name, "release", other)

    more = ("--to", "0", "--wait-lock", FAR, "--json")
    said = shop.toolkit("rollback", name, *more, on={"waiting up to": changed})
    assert (said.code, said.report["serving"]) == (0, "1.0.0"), said.err
    assert said.report["previous_release"] == "1.3.0"


def test_a_broken_lock_is_somebody_elses_to_take_and_a_rollout_goes_on(
    shop: Shop, base: dict[str, str]
) -> None:
    name = base["broken"]
    found: list[Said] = []

    def unlock() -> None:
        said = shop.toolkit("unlock", name, "--reason", "the CI job hangs", "--json")
        again = shop.toolkit("unlock", name, "--reason", "the CI job hangs", "--json")
        found.extend((said, again))

    first = bump(shop, name, "1.3.0", on={"canary ": unlock})
    said, again = found
    assert (said.code, said.report["action"]) == (0, "unlocked"), said.out
    assert said.report["holder"]["release"] == "1.3.0"
    assert said.report["holder"]["command"] == "deploy"
    assert "id" not in said.report["holder"]
    assert (again.code, again.report["action"], again.report["holder"]) == (0, "unchanged", None)
    # It was registered under the lock, so it is followed to its end.
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err
    assert variable(shop, name)["Items"]["broken_why"] == "the CI job hangs"


def test_who_lost_the_lock_restarts_and_purges_nothing_more(shop: Shop) -> None:
    name = shop.deployed(count=2)

    def unlock() -> None:
        assert shop.toolkit("unlock", name, "--reason", "enough").code == 0

    before = {a["ID"] for a in shop.running(name)}
    said = shop.toolkit("restart", name, "--json", on={"1 of 2": unlock})
    assert (said.code, said.report["verdict"]) == (9, "held"), said.err
    assert f"{name}: 1 of 2 restarted: the deploy lock of {name} was broken by " in said.report[
        "sentence"
    ]  # fmt: skip
    assert {a["ID"] for a in shop.running(name)} == before
    said = shop.toolkit("stop", name, "--purge", "--yes", "--json", on={"submit ": unlock})
    assert (said.code, said.report["verdict"]) == (9, "held"), said.err
    assert "has ended and is not purged: the deploy lock" in said.report["sentence"]
    assert shop.job(name)["Stop"] is True


def test_the_next_step_of_a_canary_needs_the_lock_of_whoever_registers_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made sure of before each registration, however fast one step follows the other.
    monkeypatch.setattr("toolkit.rollout.lock_held.FRESH", 0.0)
    longer = {'timeout = "100s"': 'timeout = "10m"'}
    name = shop.deployed(count=2, change=longer, more="[canary]\nsteps = [1, 2]\n")

    def unlock() -> None:
        assert shop.toolkit("unlock", name, "--reason", "wait for me").code == 0

    said = bump(shop, name, "1.1.0", "--no-analyse", on={"canary ": unlock})
    assert (said.code, said.report["verdict"]) == (9, "held"), said.out
    assert "was broken by " in said.report["sentence"]
    assert said.report["next"] == f"toolkit attach {name}"
    assert said.report["lock"]["state"] == "lost"
    step = shop.job(name)["JobModifyIndex"]
    # Whoever follows a rollout takes the lock when there is something to register.
    other = str(uuid.uuid4())
    lock(shop, name, "acquire", other, {"id": other, "actor": "bob@ws", "since": "1"})
    said = shop.toolkit("attach", name, "--no-analyse", "--json")
    assert (said.code, said.report["verdict"]) == (9, "held"), said.out
    assert f"{name} is locked by bob@ws" in said.report["sentence"]
    assert shop.job(name)["JobModifyIndex"] == step
    lock(shop, name, "release", other)
    said = shop.toolkit("attach", name, "--no-analyse", "--json")
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    assert variable(shop, name)["Items"]["command"] == "attach"
    assert variable(shop, name)["Lock"] is None


def test_unlock_wants_a_reason(shop: Shop, base: dict[str, str]) -> None:
    said = shop.toolkit("unlock", base["same"], "--reason", "  ", "--json")
    assert (said.code, said.error["message"]) == (1, "the reason is empty")
    assert shop.toolkit("unlock", base["same"]).code == 2


def test_what_changes_a_job_is_refused_while_it_is_deployed_and_what_steers_is_not(
    shop: Shop, base: dict[str, str]
) -> None:
    name = base["operated"]
    found: dict[str, Said] = {}

    def operate() -> None:
        found["stop"] = shop.toolkit("stop", name, "--json")
        found["stop --purge"] = shop.toolkit("stop", name, "--purge", "--json")
        found["rollback"] = shop.toolkit("rollback", name, "--to", "0", "--json")
        found["pause"] = shop.toolkit("pause", name, "--json")
        found["abort"] = shop.toolkit("abort", name, "--json")

    said = bump(shop, name, on={"canary ": operate})
    for command in ("stop", "stop --purge", "rollback"):
        assert found[command].code == 1, found[command].out
        assert f"{name} is locked by " in found[command].error["message"]
    assert (found["pause"].code, found["pause"].report["verdict"]) == (0, "paused")
    assert found["abort"].report["verdict"] in {"aborted", "reverted"}
    assert said.report["verdict"] in {"reverted", "held"}, said.out
    # Nobody deploys: they do what they are there for.
    assert shop.toolkit("scale", name, "2", "--json").report["verdict"] == "scaled"
    assert shop.toolkit("restart", name, "--json").report["verdict"] == "restarted"
    assert shop.toolkit("stop", name, "--json").report["verdict"] == "stopped"
    assert variable(shop, name)["Items"]["command"] == "stop"
    assert variable(shop, name)["Lock"] is None


def test_ctrl_c_frees_it_at_once(shop: Shop, base: dict[str, str]) -> None:
    name = base["pressed"]
    with deploying(shop, name) as process:
        assert variable(shop, name)["Lock"] is not None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert variable(shop, name)["Lock"] is None


def test_the_lock_of_a_killed_client_ends_by_itself(shop: Shop, killed: str) -> None:
    said = bump(shop, killed, "1.2.0", "--wait-lock", FAR)
    assert (said.code, said.report["serving"]) == (0, "1.2.0"), said.err
    assert said.report["lock"]["state"] == "held"
