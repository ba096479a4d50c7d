"""`toolkit run` while somebody stops, purges or replaces the job, or nobody can be asked."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.agents.work import allocations, ended, write
from tests.faults.proxy import FaultProxy, Rule
from toolkit.spec.work import Written
from toolkit.workflows.batch import WorkOptions
from toolkit.workflows.run import run

pytestmark = pytest.mark.agents

# A shell without job control starts its children deaf to Ctrl-C, and they stay so.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from toolkit.__main__ import main; sys.exit(main())"
)
AWAY = Rule("drop")


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "runs-interfered")
    yield shop
    shop.close()


def test_stopped_under_way_is_held(shop: Shop) -> None:
    name = write(shop, shop.name("stopped"), "trap 'echo bye; exit 0' INT; sleep 600 & wait")

    def stop() -> None:
        shop.nomad(f"/v1/job/{name}", method="DELETE")

    said = shop.toolkit("run", name, "--json", on={"  running": stop})
    assert ended(said) == (9, "held"), said.err
    assert "somebody stopped it" in said.report["sentence"]
    assert said.report["next"] == f"toolkit status {name}"
    assert said.report["exit_code"] is None
    # The instance ended with 0, and the work is not done for that.
    [instance] = said.report["instances"]
    assert instance["state"] == "stopped"
    assert "bye\n" in said.err


def test_purged_under_way_is_held(shop: Shop) -> None:
    name = write(shop, shop.name("purged"), "sleep 600")

    def purge() -> None:
        shop.nomad(f"/v1/job/{name}", method="DELETE")
        shop.until(
            "the evaluation to end",
            lambda: all(
                e["Status"] != "pending" for e in shop.nomad(f"/v1/job/{name}/evaluations")
            ),
        )
        shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")

    said = shop.toolkit("run", name, "--json", on={"  running": purge})
    assert ended(said) == (9, "held"), said.err
    assert "somebody" in said.report["sentence"]


def test_replaced_under_way_is_superseded(shop: Shop) -> None:
    name = write(shop, shop.name("replaced"), "sleep 600")

    def replace() -> None:
        job = shop.job(name)
        job["TaskGroups"][0]["Tasks"][0]["Env"] = {"NEW": "yes"}
        shop.nomad("/v1/jobs", {"Job": job})

    said = shop.toolkit("run", name, "--json", on={"  running": replace})
    assert ended(said) == (7, "superseded"), said.err
    assert "version 1" in said.report["sentence"]
    shop.nomad(f"/v1/job/{name}", method="DELETE")


def test_the_time_it_was_given_is_up(shop: Shop) -> None:
    name = write(shop, shop.name("long"), "echo begun; sleep 600")
    said = shop.toolkit("run", name, "--timeout", "2s", "--json")
    assert ended(said) == (5, "unknown"), said.err
    assert "not done in time" in said.report["sentence"]
    assert said.report["next"] == f"toolkit attach {name}"
    # It goes on.
    [allocation] = allocations(shop, name)
    assert (allocation["ClientStatus"], allocation["DesiredStatus"]) == ("running", "run")
    shop.nomad(f"/v1/job/{name}", method="DELETE")


def test_ctrl_c_stops_nothing_and_attach_goes_on(shop: Shop) -> None:
    flag = shop.root / "go"
    name = write(
        shop, shop.name("interrupted"),
        f"echo begun; until test -e {flag}; do sleep 0.1; done; echo ended; sleep 0.3",
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", START, "run", name],
        cwd=shop.root, env=shop.environ(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        _, last = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
    assert process.returncode == 130, last
    assert f"interrupted; {name} goes on in Nomad without us" in last
    assert f"toolkit attach {name}" in last and "Traceback" not in last
    [allocation] = allocations(shop, name)
    assert (allocation["ClientStatus"], allocation["DesiredStatus"]) == ("running", "run")
    said = shop.toolkit("attach", name, on={"  running": flag.touch})
    assert (said.code, said.out) == (0, "begun\nended\n"), said.err


def test_output_and_verdict_go_on_when_nomad_is_back(shop: Shop) -> None:
    flag = shop.root / "back"
    name = write(
        shop, shop.name("away"),
        f"for n in 1 2 3; do echo $n; done; until test -e {flag}; do sleep 0.1; done; "
        "for n in 4 5 6; do echo $n; done; sleep 0.3",
    )  # fmt: skip
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        session = shop.session(nomad_address=proxy.address)
        output: list[bytes] = []

        def hear(piece: Written) -> None:
            output.append(piece.data)
            if b"3\n" in piece.data:
                proxy.add(AWAY)
                proxy.cut_connections()

        said: list[str] = []

        def tell(text: str) -> None:
            said.append(text)
            if "Nomad is lost" in text:
                # It ends while we cannot see it.
                flag.touch()
                shop.until("the work to end", lambda: shop.job(name)["Status"] == "dead")
                proxy.clear()

        report = run(session, name, on_event=lambda event: tell(event.text), on_output=hear)
    assert (report.verdict, int(report.code)) == ("completed", 0), said
    assert b"".join(output) == b"1\n2\n3\n4\n5\n6\n"
    assert any("Nomad answers again" in text for text in said)


TROUBLE = {
    "no leader": Rule("status", path="/allocations", status=500, text="No cluster leader", times=6),
    "cut short": Rule("cut", path="/allocations", times=3),
    "too many": Rule("status", path="/fs/logs", status=429, text="Too many requests", times=4),
    "cut output": Rule("cut", path="/fs/logs", keep=40, times=2),
    "index back": Rule("index", path=r"/evaluations|/job/[^/]+\?", index=1, times=4),
    "web page": Rule("garbage", path="/evaluations", text="<html>", times=2),
}


@pytest.fixture(scope="module")
def rough(shop: Shop) -> dict[str, Said]:
    """Runs of failing work through a line with a trouble of its own each, at the same time."""

    def through(rule: Rule) -> Said:
        name = write(shop, shop.name("rough"), "echo one; echo two; sleep 0.5; exit 3")
        with FaultProxy(shop.cluster.nomad_address) as proxy:
            begin = {"submit ": lambda: proxy.add(rule)}
            there = ("--nomad-addr", proxy.address)
            return shop.toolkit("run", name, *there, "--json", on=begin)

    return shop.at_once(
        {word: (lambda rule=rule: through(rule))  # type: ignore[misc]
         for word, rule in TROUBLE.items()}
    )  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLE)
def test_answers_that_go_wrong_make_it_late_and_never_wrong(
    rough: dict[str, Said], trouble: str
) -> None:
    said = rough[trouble]
    assert ended(said) == (3, "failed"), said.err
    assert said.report["exit_code"] == 3
    # What is said of the work may come between.
    assert [line for line in said.err.splitlines() if line in {"one", "two"}] == ["one", "two"]


def test_a_nomad_that_stays_away_leaves_it_unknown(shop: Shop) -> None:
    name = write(shop, shop.name("lost"), "sleep 600")
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        session = shop.session(nomad_address=proxy.address)

        def tell(text: str) -> None:
            if "running" in text:
                proxy.add(AWAY)
                proxy.cut_connections()

        report = run(
            session, name, WorkOptions(lost_after=2.0), on_event=lambda event: tell(event.text)
        )
    assert (report.verdict, int(report.code)) == ("unknown", 5)
    assert "Nomad does not answer" in report.sentence
    assert "1 task running" in report.sentence
    assert report.next == f"toolkit attach {name}"
    shop.nomad(f"/v1/job/{name}", method="DELETE")


def test_a_registration_whose_reply_is_lost_runs_once(shop: Shop) -> None:
    name = write(shop, shop.name("reply"), "echo ran; sleep 0.3")
    assert ended(shop.toolkit("run", name, "--json")) == (0, "completed")
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        # Both registrations of a second run: as stopped, and as it is.
        proxy.add(Rule("lose", "POST", r"/v1/jobs(\?|$)", times=2))
        said = shop.toolkit("run", name, "--nomad-addr", proxy.address, "--json")
        assert proxy.count("POST", r"/v1/jobs(\?|$)") == 2
    assert ended(said) == (0, "completed"), said.err + said.out
    assert len(allocations(shop, name)) == 2
