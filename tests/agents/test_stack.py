"""`toolkit deploy --all`: in the order of needs, gated, at once where nothing keeps apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.stacks import Stack, words

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shop = Stack(cluster, tmp_path_factory.mktemp("shops") / "stack")
    yield shop
    shop.close()


def test_a_stack_goes_in_the_order_of_its_needs_and_again_changes_nothing(shop: Stack) -> None:
    db, migrate, backend, other = shop.names("db", "migrate", "backend", "other")
    shop.service(db)
    shop.work(migrate, db)
    shop.service(backend, f"{migrate}:done")
    shop.service(other)
    # The order of the list is not that of the needs.
    shop.stack(backend, migrate, db, other)

    said = shop.all()
    assert said.code == 0, said.out + said.err
    assert words(said) == {
        db: "deployed", migrate: "completed", backend: "deployed", other: "deployed",
    }  # fmt: skip
    assert said.report["verdict"] == "deployed"
    # Each was registered after what it waits for had come to its end in Nomad.
    assert shop.ended(db) < shop.submitted(migrate)
    finished = [a["ModifyIndex"] for a in shop.nomad(f"/v1/job/{migrate}/allocations")]
    assert max(finished) < shop.submitted(backend)
    # What waits for nothing did not wait.
    assert shop.submitted(other) < shop.submitted(migrate)
    assert shop.serves(backend) == ["1.0.0"]

    before = {name: shop.versions(name) for name in shop.jobs}
    again = shop.all()
    assert (again.code, again.report["verdict"]) == (0, "unchanged"), again.out + again.err
    assert set(words(again).values()) == {"unchanged"}
    assert {name: shop.versions(name) for name in shop.jobs} == before
