"""`rollback --all`, `verify --all`, `plan --all`: the stack as it was, is and would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.stacks import Stack, rows, words

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shop = Stack(cluster, tmp_path_factory.mktemp("shops") / "stack-back")
    yield shop
    shop.close()


def test_a_stack_goes_back_to_where_all_of_it_was_verified(shop: Stack) -> None:
    db, migrate, backend = shop.names("db", "migrate", "backend")
    shop.service(db)
    shop.work(migrate, db)
    shop.service(backend, migrate)
    shop.stack(db, migrate, backend)
    plan = shop.toolkit("plan", "--all", "--json")
    assert (plan.code, plan.report["verdict"]) == (10, "changes"), plan.out + plan.err
    assert [row["plan"]["changed"] for row in plan.report["jobs"]] == [True, True, True]
    assert shop.versions(db) == []
    nothing = shop.toolkit("rollback", "--all", "--json")
    assert nothing.code == 1
    assert "no state is known" in nothing.error["message"]
    assert shop.all().code == 0
    assert shop.toolkit("plan", "--all", "--json").code == 0
    only = shop.toolkit("rollback", "--all", "--json")
    assert only.code == 1
    assert "only the state that is live" in only.error["message"]

    # Half of the next state is there, and verified by itself: the stack was not.
    shop.service(db, release="1.1.0")
    shop.service(backend, migrate, release="1.1.0", mode="crash")
    half = shop.all()
    assert (half.code, words(half)[db]) == (8, "deployed"), half.out + half.err
    back = shop.toolkit("rollback", "--all", "--json")
    assert (back.code, back.report["verdict"]) == (0, "deployed"), back.out + back.err
    assert back.report["action"] == "rollback"
    # The other way round; work is not undone, and who is there already is only looked at.
    assert [row["job"] for row in back.report["jobs"]] == [backend, db]
    assert any(migrate in line for line in back.told("note"))
    assert (shop.serves(db), shop.serves(backend)) == (["1.0.0"], ["1.0.0"])
    assert shop.job(db)["Version"] == rows(back)[db]["deploy"]["version"]

    # After a good deploy: to the state before it, and no further than there is one.
    shop.service(backend, migrate, release="1.2.0")
    asked = shop.all()
    assert asked.code == 1
    assert f"{db}: release 1.0.0 was put there by --release or a rollback" in asked.out
    assert shop.all("--yes").code == 0
    assert shop.serves(db) == ["1.1.0"]
    again = shop.toolkit("rollback", "--all", "--json")
    assert again.code == 0, again.out + again.err
    assert (shop.serves(db), shop.serves(backend)) == (["1.0.0"], ["1.0.0"])
    assert shop.toolkit("rollback", "--all", "--json").code == 1


def test_a_way_back_that_failed_halfway_is_gone_on_with_and_not_undone(shop: Stack) -> None:
    db, backend = shop.names("db", "backend")
    flag = shop.root / "gone"
    fades = {
        'MODE = "fine"': f'MODE = "fades"\nFLAG = "{flag}"',
        'healthy_deadline = "50s"': 'healthy_deadline = "3s"',
    }
    shop.service(db)
    shop.service(backend, db)
    shop.stack(db, backend)
    assert shop.all().code == 0
    # By the time that the second database is wanted back, it is not well any more.
    shop.service(db, release="1.1.0", change=fades)
    shop.service(backend, db, release="1.1.0")
    assert shop.all().code == 0
    shop.service(db, release="1.2.0")
    shop.service(backend, db, release="1.2.0")
    assert shop.all().code == 0
    flag.touch()
    half = shop.toolkit("rollback", "--all", "--json")
    assert half.code not in {0, 1}, half.out + half.err
    assert (shop.serves(db), shop.serves(backend)) == (["1.2.0"], ["1.1.0"])
    # Again: to the same state, and not back to the one that is half left.
    flag.unlink()
    rest = shop.toolkit("rollback", "--all", "--json")
    assert (rest.code, words(rest)) == (0, {backend: "unchanged", db: "deployed"}), rest.out
    assert (shop.serves(db), shop.serves(backend)) == (["1.1.0"], ["1.1.0"])
    # And from there further back.
    assert shop.toolkit("rollback", "--all", "--json").code == 0
    assert (shop.serves(db), shop.serves(backend)) == (["1.0.0"], ["1.0.0"])


def test_a_stack_is_verified_as_a_whole(shop: Stack) -> None:
    db, page, absent = shop.names("db", "page", "absent")
    shop.service(db)
    shop.service(page)
    shop.service(absent)
    shop.stack(db, page)
    assert shop.all().code == 0
    good = shop.toolkit("verify", "--all", "--json")
    assert (good.code, set(words(good).values())) == (0, {"unchanged"}), good.out + good.err
    shop.stack(db, page, absent)
    shop.nomad(f"/v1/job/{page}", method="DELETE")
    bad = shop.toolkit("verify", "--all", "--json")
    # The first that is not 0, in the order of the stack.
    assert (bad.code, words(bad)) == (9, {db: "unchanged", page: "held", absent: "refused"})
    text = shop.toolkit("verify", "--all")
    assert text.code == 9
    assert all(len(line) <= 80 for line in text.out.splitlines()), text.out
    assert text.out.splitlines()[0].split()[:2] == [db, "unchanged"]
