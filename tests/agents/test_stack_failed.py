"""A stack that does not go well: it stops, and with --atomic it is as it was before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.stacks import Stack, rows, serves, words

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shop = Stack(cluster, tmp_path_factory.mktemp("shops") / "stack-failed")
    yield shop
    shop.close()


def test_the_first_failure_stops_the_stack_and_the_next_run_does_what_is_left(shop: Stack) -> None:
    db, migrate, backend = shop.names("db", "migrate", "backend")
    shop.service(db)
    shop.work(migrate, db, script="raise SystemExit(7)")
    shop.service(backend, f"{db}:verified", f"{migrate}:done")
    shop.stack(db, migrate, backend)

    said = shop.all()
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (3, "failed", 3), said.out + said.err
    assert words(said) == {db: "deployed", migrate: "failed", backend: None}
    found = rows(said)
    assert found[migrate]["work"]["exit_code"] == 7
    assert found[migrate]["work"]["causes"]
    assert found[backend]["sentence"] == f"never began: it waits for {migrate}"
    assert report["next"].startswith("toolkit explain ")
    assert found[db]["serves"]["word"] == "verified"
    assert found[backend]["serves"]["word"] == "absent"
    assert shop.versions(backend) == []

    # The same migration, which failed, runs again; what is done stays as it is.
    flag = shop.root / "flag"
    shop.work(migrate, db, script=f"import os; raise SystemExit(not os.path.exists('{flag}'))")
    assert words(shop.all())[migrate] == "failed"
    flag.touch()
    again = shop.all()
    assert again.code == 0, again.out + again.err
    assert words(again) == {db: "unchanged", migrate: "completed", backend: "deployed"}
    assert shop.versions(db) == [0]
    ran = shop.versions(migrate)
    assert words(shop.all())[migrate] == "unchanged"
    assert shop.versions(migrate) == ran


def test_an_atomic_stack_is_taken_back_in_the_other_order(shop: Stack) -> None:
    db, migrate, backend, page, new = shop.names("db", "migrate", "backend", "page", "new")
    shop.service(db)
    shop.service(backend, db, count=2)
    shop.service(page, backend)
    shop.stack(db, backend, page)
    assert shop.all().code == 0

    shop.service(db, release="1.1.0")
    shop.work(migrate, db)
    shop.service(new, db)
    shop.service(backend, migrate, new, count=1, release="1.1.0")
    shop.service(page, backend, release="1.1.0", mode="crash")
    shop.stack(db, migrate, new, backend, page)
    said = shop.all("--atomic")
    report = said.report
    assert (said.code, report["verdict"]) == (8, "reverted"), said.out + said.err
    assert words(said) == {
        db: "deployed", migrate: "completed", new: "deployed", backend: "deployed",
        page: "reverted",
    }  # fmt: skip
    found = rows(said)
    back = {name: row["back"] and row["back"]["verdict"] for name, row in found.items()}
    # Nomad took the last one back by itself, and nothing undoes work.
    assert back == {
        db: "reverted", migrate: None, new: "reverted", backend: "reverted", page: None,
    }  # fmt: skip
    warned = f"cannot be taken back: {migrate}, whose work nothing undoes"
    assert warned in said.told("note")
    assert report["notes"] == [f"not taken back: {migrate}, whose work nothing undoes"]
    # Exactly as before, the count included, and in the other order.
    assert len(shop.running(backend)) == 2
    assert (shop.serves(db), shop.serves(page)) == (["1.0.0"], ["1.0.0"])
    assert shop.serves(backend) == ["1.0.0", "1.0.0"]
    assert shop.submitted(backend) < shop.submitted(db)
    assert shop.job(new)["Stop"] is True
    assert serves(said) == {
        db: ("1.0.0", "verified"), backend: ("1.0.0", "verified"), page: ("1.0.0", "verified"),
        migrate: ("1", "done"), new: ("1.0.0", "stopped"),
    }  # fmt: skip


def test_a_revert_that_fails_leaves_what_it_needs_and_says_what_serves(shop: Stack) -> None:
    db, backend, page, other = shop.names("db", "backend", "page", "other")
    flag = shop.root / "gone"
    # By the time that the old backend is wanted back, it is not well any more.
    old = {
        'MODE = "fine"': f'MODE = "fades"\nFLAG = "{flag}"',
        'healthy_deadline = "50s"': 'healthy_deadline = "3s"',
    }
    shop.service(db)
    shop.service(backend, db, change=old)
    shop.service(page, backend)
    shop.service(other)
    shop.stack(db, backend, page, other)
    assert shop.all().code == 0

    shop.service(db, release="1.1.0")
    shop.service(backend, db, release="1.1.0")
    shop.service(page, backend, release="1.1.0", mode="crash")
    shop.service(other, release="1.1.0")
    said = shop.all("--atomic", on={"taking back": flag.touch})
    report, found = said.report, rows(said)
    assert (said.code, report["verdict"]) == (3, "failed"), said.out + said.err
    back = {name: row["back"] and row["back"]["verdict"] for name, row in found.items()}
    assert back == {db: "held", backend: "failed", page: None, other: "reverted"}
    assert f"{backend}, which needs it, could not be taken back" in found[db]["back"]["sentence"]
    # The way back of the backend reverted itself: what was new there serves on, and so does db.
    assert serves(said) == {
        db: ("1.1.0", "verified"), backend: ("1.1.0", "verified"),
        page: ("1.0.0", "verified"), other: ("1.0.0", "verified"),
    }  # fmt: skip
    assert (shop.serves(db), shop.serves(backend)) == (["1.1.0"], ["1.1.0"])
    assert shop.serves(other) == ["1.0.0"]
