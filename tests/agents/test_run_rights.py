"""Runs and dispatches with tokens that may do only a part of it, or nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.agents.work import ended, group, task, write
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

WRITE = 'namespace "default" { policy = "write" }'


def rights(*capabilities: str) -> str:
    """A policy of these capabilities and no others."""
    listed = ", ".join(f'"{each}"' for each in capabilities)
    return f'namespace "default" {{ capabilities = [{listed}] }}'


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("run-rights")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        yield shop
        shop.close()


def be(shop: Guarded, token: str) -> None:
    shop.given = {"NOMAD_TOKEN": token, "CONSUL_HTTP_TOKEN": shop.cluster.state.consul_token}


def test_a_token_that_may_only_read_runs_nothing(shop: Guarded) -> None:
    name = write(shop, shop.name("reader"), "true")
    be(shop, shop.nomad_token('namespace "default" { policy = "read" }')["SecretID"])
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "lacks the right" in said.error["hint"]
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_token_that_may_not_read_logs_gets_the_verdict_and_is_told(shop: Guarded) -> None:
    name = write(shop, shop.name("silent"), "echo secret; sleep 1")
    token = rights("list-jobs", "parse-job", "read-job", "submit-job")
    be(shop, shop.nomad_token(token)["SecretID"])
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    assert "secret" not in said.err
    assert any("stdout of task app" in note for note in said.report["notes"])
    assert all("Permission denied" in note for note in said.report["notes"])


def test_a_token_that_may_dispatch_and_read_and_nothing_else(shop: Guarded) -> None:
    be(shop, shop.nomad_token(WRITE)["SecretID"])
    name = shop.name("import")
    write(shop, name, group(task("echo done; sleep 0.3")), more="parameterized {}")
    assert shop.deploy(name).code == 0
    token = rights("read-job", "dispatch-job", "read-logs")
    be(shop, shop.nomad_token(token)["SecretID"])
    # With the job file, and where only the cluster knows the job.
    for folder in (shop.root, shop.root / "jobs"):
        (folder / "toolkit.toml").write_text((shop.root / "toolkit.toml").read_text())
        said = shop.toolkit("dispatch", name, folder=folder)
        assert (said.code, said.out) == (0, "done\n"), said.err
    (shop.root / "jobs" / "toolkit.toml").unlink()


def test_a_token_that_is_taken_away_leaves_it_unknown(shop: Guarded) -> None:
    name = write(shop, shop.name("revoked"), "sleep 600")
    token = shop.nomad_token(WRITE)
    be(shop, token["SecretID"])

    def revoke() -> None:
        shop.nomad(f"/v1/acl/token/{token['AccessorID']}", method="DELETE")

    said = shop.toolkit("run", name, "--json", on={"  running": revoke})
    assert ended(said) == (5, "unknown"), said.out
    assert "tells us nothing more" in said.report["sentence"]
    shop.nomad(f"/v1/job/{name}", method="DELETE")


def test_a_token_that_may_only_list_sees_the_list_and_is_told_what_is_missing(
    shop: Guarded,
) -> None:
    be(shop, shop.nomad_token(WRITE)["SecretID"])
    name = write(shop, shop.name("listed"), "sleep 600")
    assert shop.toolkit("run", name, "--detach").code == 0
    shop.until("it to run", lambda: bool(shop.running(name)))
    be(shop, shop.nomad_token(rights("list-jobs"))["SecretID"])
    everything, one = shop.toolkit("status", "--json"), shop.toolkit("status", name, "--json")
    assert (everything.code, one.code) == (0, 0), everything.out + one.out
    [row] = [row for row in everything.report["jobs"] if row["name"] == name]
    assert row == one.report["detail"]["job"]
    assert (row["kind"], row["state"], row["running"]) == ("batch", "running", 1)
    assert (row["version"], row["wanted"], row["healthy"]) == (None, None, None)
    for said in (everything, one):
        assert [note for note in said.report["notes"] if "read-job in namespace default" in note]
    assert "1 of ?" in shop.toolkit("status", name).out
    be(shop, shop.nomad_token(rights("read-logs"))["SecretID"])
    assert shop.toolkit("status", "--json").code == 1
    assert shop.toolkit("status", name, "--json").code == 1
    shop.nomad(f"/v1/job/{name}", method="DELETE")
