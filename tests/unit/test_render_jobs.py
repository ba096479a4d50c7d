"""What the shared templates make of a job file's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.golden.shipped import shipped
from toolkit.errors import RenderError
from toolkit.render import context
from toolkit.spec.jobspec import Dns, Driver, Identity, JobSpec, Port, RolloutSettings, Route


def backend(where: str = "production", /, **fields: Any) -> str:
    """The backend's HCL in one line, words apart by one blank."""
    return " ".join(shipped("backend", where, **fields).hcl.split())


def test_a_setting_that_cannot_be_an_attribute_is_refused() -> None:
    with pytest.raises(RenderError, match="cannot be the name of an attribute"):
        backend(driver=Driver("docker", {"a b": 1}))


def test_a_local_command_needs_a_project() -> None:
    with pytest.raises(RenderError, match="'project' is undefined"):
        backend("dev", context={"env": {**_environment(), "local": True}})


def _environment() -> dict[str, Any]:
    return {
        "region": "global", "namespace": "default", "datacenters": ["*"], "node_pool": "default",
        "local": False, "consul": "http://127.0.0.1:8500",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "release", "written"),
    [
        ("shop", "1.0", "shop:1.0"),
        ("shop:edge", "1.0", "shop:edge"),
        ("registry.example.com:5000/shop", "1.0", "registry.example.com:5000/shop:1.0"),
        ("shop@sha256:00ff", "1.0", "shop@sha256:00ff"),
        ("shop", None, "shop"),
    ],
)
def test_an_image_gets_the_release_as_its_tag(
    image: str, release: str | None, written: str
) -> None:
    hcl = backend(driver=Driver("docker", {"image": image}), release=release)
    assert f'config {{ image = "{written}" ports = ["http"] }}' in hcl


def test_a_job_without_a_release_mentions_none() -> None:
    hcl = backend(release=None)
    assert "RELEASE" not in hcl
    assert "version" not in hcl
    assert "release" not in hcl


def test_a_release_given_as_a_variable_of_the_task_stays() -> None:
    hcl = backend(environment={"RELEASE": "mine", "A.B": "${NOMAD_PORT_http}"})
    assert 'env = { "A.B" = "$${NOMAD_PORT_http}" "RELEASE" = "mine" }' in hcl


def test_secrets_are_read_from_the_jobs_own_variable() -> None:
    hcl = backend(secrets=("db_password", "api_key"))
    assert (
        'template { destination = "${NOMAD_SECRETS_DIR}/secrets.env" env = true'
        ' change_mode = "noop" error_on_missing_key = true data = <<EOT'
        ' {{ with nomadVar "nomad/jobs/backend" }}'
        " DB_PASSWORD={{ .db_password.Value | toJSON }} API_KEY={{ .api_key.Value | toJSON }}"
        " {{ end }} EOT }"
    ) in hcl
    assert "template" not in backend()


def test_a_job_without_ports_route_and_check_has_no_service() -> None:
    hcl = backend(ports=(), route=None, check=None, driver=Driver("docker", {"image": "a:1"}))
    assert "network" not in hcl
    assert "service {" not in hcl
    assert "ports" not in hcl
    assert 'health_check = "task_states"' in hcl


def test_a_port_inside_a_container_means_nothing_to_a_process() -> None:
    assert 'port "http" { to = 8080 }' in backend()
    assert 'port "http" { }' in backend("dev")
    assert 'port "http" { static = 90 }' in backend(ports=(Port("http", static=90),))


def test_restarts_fit_into_their_interval() -> None:
    settings = RolloutSettings(restart_attempts=5, restart_delay=30.0)
    assert 'attempts = 5 delay = "30s" interval = "300s" mode = "fail"' in backend(rollout=settings)
    assert 'attempts = 0 delay = "1s" interval = "60s"' in backend(
        rollout=RolloutSettings(restart_attempts=0)
    )


def test_constraints_are_written_for_the_scheduler() -> None:
    hcl = backend(constraints=({"attribute": "${attr.kernel.name}", "value": "linux"},))
    assert 'constraint { attribute = "$${attr.kernel.name}" value = "linux" }' in hcl


@pytest.mark.parametrize(
    ("canaries", "count", "number"), [("all", 3, 3), ("all", None, 1), ("all", 0, 0), (1, 3, 1)]
)
def test_all_canaries_are_one_for_each_instance(
    canaries: Any, count: int | None, number: int
) -> None:
    spec = JobSpec(
        "a", "service", "a", "a", count=count, rollout=RolloutSettings(canaries=canaries)
    )
    assert context(spec)["rollout"]["canaries"] == number


def test_the_context_has_these_names_and_no_others() -> None:
    spec = JobSpec(
        "a", "service", "a", "a", route=Route(hosts=("h",)), context={"env": {"name": "dev"}}
    )
    names = context(spec)
    assert set(names) == {
        "job", "release", "env", "driver", "resources", "environment", "ports", "route", "check",
        "rollout", "secrets", "constraints", "var", "schedule", "dispatch", "dns",
        "identities",
    }  # fmt: skip
    assert set(names["job"]) == {"name", "kind", "count", "node_class"}
    assert names["route"] == {
        "hosts": ["h"], "path": "/", "visibility": "public", "port": "http",
    }  # fmt: skip
    assert names["env"] == {"name": "dev"}
    assert set(names["rollout"]) == {*RolloutSettings.__dataclass_fields__}


def test_names_are_meta_of_the_service() -> None:
    names = Dns(("a.example.com", "b.example.com"), "public", "edge")
    hcl = backend(dns=names)
    assert (
        'meta { version = "1.0.0" toolkit_dns_hostname = "a.example.com b.example.com" '
        'toolkit_dns_zone = "public" toolkit_dns_target = "edge" }'
    ) in hcl
    hcl = backend(dns=replace(names, target="instances", type="SRV", ttl=60, port="admin"))
    assert 'toolkit_dns_type = "SRV" toolkit_dns_ttl = "60" toolkit_dns_port = "admin" }' in hcl


def test_a_name_is_enough_for_a_service() -> None:
    hcl = backend(
        route=None, check=None, release=None, dns=Dns(("a.example.com",), "private", "instances")
    )
    assert 'service { name = "backend" provider = "consul" port = "http" tags = [ ] meta {' in hcl


def test_tokens_are_identities_of_the_task() -> None:
    kick = Identity("kick", ("kick",))
    for job in ("backend", "frontend", "hook", "kick", "traefik"):
        hcl = " ".join(shipped(job, "dev", identities=(kick,)).hcl.split())
        own = hcl[hcl.index("task ") :]
        assert (
            'identity { name = "kick" aud = ["kick"] ttl = "3600s" file = true env = false '
            'change_mode = "noop" }'
        ) in own, job
    both = (kick, Identity("db", ("vault", "db"), 90.0, file=False, env=True))
    assert (
        'change_mode = "noop" } identity { name = "db" aud = ["vault", "db"] ttl = "90s" '
        'file = false env = true change_mode = "noop" }'
    ) in backend(identities=both)
