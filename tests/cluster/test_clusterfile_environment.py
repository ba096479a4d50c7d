"""The two environments that a cluster file makes, and that no command guesses where they are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster_files import FULL, PLAIN, as_file
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.clients.nomad import Nomad
from toolkit.config.jobs import load_job
from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import ConfigError, Mistake, UnreachableError
from toolkit.spec.cluster_access import Access, access_file
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Endpoint

PROJECT = """\
default_environment = "dev"
[environments.dev]
local = true
[environments.prod]
namespace = "shop"
driver = "podman"
edge.private = "http://10.42.0.9:8081"
ca_file = "ca.pem"
variables = { greeting = "hi", size = 1 }
rollout = { timeout = "5m" }
"""
ACCESS = Access(
    nomad="https://server-1.prod.internal:4646",
    consul="https://server-1.prod.internal:8501",
    proxy="socks5h://127.0.0.1:1080",
    ca_file=".toolkit/rehearsal/prod/ca.pem",
    nomad_token="canary-nomad",
    consul_token="canary-consul",
    traefik_user="toolkit",
    traefik_password="canary-traefik",
    traefik="/bin/traefik",
    edge={"public": "http://10.42.192.9"},
)
JOB = """\
release = "1.0.0"
[driver.docker]
image = "web"
[driver.raw_exec]
command = "web"
[env.prod]
count = 7
driver = { name = "docker" }
environment = { A = "prod", B = "prod" }
[env.prod-rehearsal]
environment = { B = "rehearsal" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text(PROJECT)
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/prod.toml").write_bytes(as_file(FULL))
    (tmp_path / "jobs/web").mkdir(parents=True)
    (tmp_path / "jobs/web/job.toml").write_text(JOB)
    (tmp_path / "jobs/web/job.nomad.hcl.j2").write_text("")
    return tmp_path


def rehearse(root: Path, text: str = ACCESS.to_json()) -> None:
    path = root / access_file("prod")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (path.parent / "ca.pem").write_text("")


def settings(root: Path, name: str, environ: dict[str, str] | None = None) -> Settings:
    return load_settings(Flags(environment=name), environ or {}, root)


def mistakes(root: Path, name: str, environ: dict[str, str] | None = None) -> list[Mistake]:
    with pytest.raises(ConfigError) as error:
        settings(root, name, environ)
    return list(error.value.mistakes)


def job(found: Settings) -> JobSpec:
    return load_job(found.project, "web", found.target, found.flags, python="python")


def unreachable(endpoint: Endpoint) -> UnreachableError:
    with Nomad(endpoint) as nomad, pytest.raises(UnreachableError) as caught:
        nomad.jobs()
    return caught.value


def test_a_cluster_that_nothing_says_where_it_is(root: Path) -> None:
    target = settings(root, "prod").target
    assert (target.nomad.address, target.consul.address) == ("", "")
    error = unreachable(target.nomad)
    assert "nothing says where Nomad is" in error.message
    assert 'eval "$(toolkit cluster env prod)"' in (error.hint or "")
    assert "nowhere yet" in target.headline()


def command(root: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(World(arguments, {}, io.StringIO(), out, err, root))
    return code, out.getvalue(), err.getvalue()


def test_commands_of_a_cluster_that_nothing_says_where_it_is(root: Path) -> None:
    (root / "clusters/prod.toml").write_text(PLAIN)
    (root / "toolkit.toml").write_text("")
    for asked in (["status"], ["plan", "web"], ["deploy", "web", "--yes"], ["logs", "web"]):
        code, _, err = command(root, *asked, "-e", "prod")
        assert (code, "nothing says where Nomad is" in err) == (1, True), asked
    code, out, _ = command(root, "doctor", "-e", "prod", "--only", "tls", "--only", "nomad")
    assert code == 1
    assert "prod · nowhere yet" in out
    assert "could not tell  tls" in out
    assert "127.0.0.1" not in out


def test_what_asks_nobody_needs_no_address(root: Path) -> None:
    (root / "jobs/web/job.nomad.hcl.j2").write_text('job "web" { type = [[ driver.name ]] }\n')
    for name, driver in (("prod", "docker"), ("prod-rehearsal", "raw_exec")):
        code, out, err = command(root, "render", "web", "-e", name)
        assert (code, f'type = "{driver}"' in out) == (0, True), err


def test_machines_of_a_cluster_have_docker(root: Path) -> None:
    (root / "toolkit.toml").write_text("")
    (root / "jobs/web/job.toml").write_text("driver.docker.image = 'web'\n")
    spec = job(settings(root, "prod"))
    assert spec.driver is not None
    assert spec.driver.name == "docker"


def test_the_clusters_own_environment(root: Path) -> None:
    environ = {
        "NOMAD_ADDR": "https://10.42.0.11:4646",
        "CONSUL_HTTP_ADDR": "https://10.42.0.11:8501",
    }
    found = settings(root, "prod", environ)
    target = found.target
    assert (target.nomad.address, target.nomad.origin) == ("https://10.42.0.11:4646", "NOMAD_ADDR")
    assert (target.namespace, target.cluster, target.rehearsed) == ("shop", "prod", False)
    assert target.edge == {
        "public": "https://shop.example.com:8443", "private": "http://10.42.0.9:8081",
    }  # fmt: skip
    assert not target.protected
    spec = job(found)
    assert (spec.driver and spec.driver.name, spec.count) == ("docker", 7)


def test_a_protected_cluster_is_a_protected_environment(root: Path) -> None:
    (root / "clusters/prod.toml").write_text(PLAIN)
    target = settings(root, "prod").target
    assert (target.protected, set(target.edge)) == (True, {"private"})
    assert settings(root, "prod-rehearsal").target.protected


def test_mistakes_in_a_cluster_file_hold_up_its_environments_alone(root: Path) -> None:
    (root / "clusters/prod.toml").write_text(PLAIN.replace("min", "mn") + "typo = 1\n")
    for name in ("prod", "prod-rehearsal"):
        [found] = mistakes(root, name)
        assert (found.where, found.key) == ("clusters/prod.toml", "binaries.consul.typo")
    assert settings(root, "dev").target.local


def test_a_rehearsal_that_does_not_run(root: Path) -> None:
    found = settings(root, "prod-rehearsal")
    error = unreachable(found.target.nomad)
    assert "toolkit cluster rehearse up prod" in (error.hint or "")
    assert found.target.nomad.ca_file is None


@pytest.mark.parametrize("name", ["NOMAD_ADDR", "CONSUL_HTTP_ADDR", "KICK_ADDR"])
@pytest.mark.parametrize("running", [True, False])
def test_a_rehearsal_is_never_another_cluster(root: Path, name: str, running: bool) -> None:
    """The variables of the cluster itself may be set: `prod-rehearsal` must not deploy there."""
    if running:
        rehearse(root)
    [found] = mistakes(root, "prod-rehearsal", {name: "https://10.42.0.11:4646"})
    assert (found.where, "unset" in str(found)) == (name, True)


def test_a_rehearsal_that_runs(root: Path) -> None:
    rehearse(root)
    found = settings(root, "prod-rehearsal")
    target = found.target
    assert target.rehearsed
    for endpoint, token in ((target.nomad, "canary-nomad"), (target.consul, "canary-consul")):
        assert endpoint.origin == "toolkit cluster rehearse"
        assert endpoint.proxy == "socks5h://127.0.0.1:1080"
        assert endpoint.ca_file == str(root / ".toolkit/rehearsal/prod/ca.pem")
        assert endpoint.token is not None
        assert endpoint.token.reveal() == token
    assert target.traefik is not None
    assert target.traefik.token is not None
    assert (target.traefik.username, target.traefik.token.reveal()) == ("toolkit", "canary-traefik")
    assert target.edge == {"public": "http://10.42.192.9"}
    assert target.namespace == "shop"
    assert "canary" not in repr(target)


def test_a_rehearsals_job_is_the_clusters_but_for_its_driver(root: Path) -> None:
    rehearse(root)
    found = settings(root, "prod-rehearsal")
    spec = job(found)
    assert (spec.driver and spec.driver.name, spec.count) == ("raw_exec", 7)
    assert dict(spec.environment) == {"A": "prod", "B": "rehearsal"}
    assert spec.context["agents"] == {"traefik": "/bin/traefik"}
    assert spec.variables["greeting"] == "hi"


def test_a_rehearsal_may_have_more_of_its_own(root: Path) -> None:
    more = "[environments.prod-rehearsal]\nnamespace = 'reh'\nvariables = { size = 2 }\n"
    (root / "toolkit.toml").write_text(PROJECT + more)
    found = settings(root, "prod-rehearsal")
    assert found.target.namespace == "reh"
    assert dict(job(found).variables) == {"greeting": "hi", "size": 2}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "[environments.prod-rehearsal]\nnomad = 'http://x'\n",
            "environments.prod-rehearsal.nomad",
        ),
        (
            "[environments.prod-rehearsal]\nproxy = 'http://x'\n",
            "environments.prod-rehearsal.proxy",
        ),
        ("[environments.prod-rehearsal]\nlocal = true\n", "environments.prod-rehearsal.local"),
        ("[environments.staging]\nlocal = true\n", "environments.staging.local"),
    ],
)
def test_what_toolkit_toml_cannot_say_of_them(root: Path, text: str, key: str) -> None:
    (root / "clusters/staging.toml").write_text(PLAIN)
    (root / "toolkit.toml").write_text(PROJECT + text)
    assert [(each.key, each.line) for each in mistakes(root, "dev")] == [(key, 12)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nomad": 1}', '{"edge": {"moon": "x"}}', "\0"])
def test_a_damaged_state_is_said(root: Path, text: str) -> None:
    rehearse(root, text)
    found = mistakes(root, "prod-rehearsal")
    assert (found[0].where, "damaged" in found[0].message) == (access_file("prod"), True)


def test_the_environments_are_known_where_names_are(root: Path) -> None:
    [found] = mistakes(root, "prod-rehearsl")
    assert found.hint == 'did you mean "prod-rehearsal"?'
    (root / "toolkit.toml").write_text('default_environment = "prod-rehearsal"\n')
    assert load_settings(Flags(), {}, root).target.rehearsed
    (root / "toolkit.toml").write_text("")
    with pytest.raises(ConfigError, match="several environments"):
        load_settings(Flags(), {}, root)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("socks5h://127.0.0.1:1080", None), ("socks5h://[::1]", None), ("http://proxy:3128", None),
        ("socks5://127.0.0.1:1080", "looked up here"), ("socks4a://x", "looked up here"),
        ("socks5h://me:pw@x:1", "password"), ("socks5h://x/y", "path"), ("socks5h://", "host"),
        ("ftp://x", "socks5h://"),
    ],
)  # fmt: skip
def test_proxies(root: Path, text: str, wrong: str | None) -> None:
    (root / "toolkit.toml").write_text(
        f'[environments.x]\nnomad = "http://n:1"\nproxy = "{text}"\n'
    )
    if wrong is None:
        assert settings(root, "x").target.nomad.proxy == text
        return
    [found] = mistakes(root, "x")
    assert (found.key, wrong in found.message) == ("environments.x.proxy", True), found


def test_access_survives_its_file() -> None:
    assert Access.from_json(ACCESS.to_json()) == ACCESS
    assert "canary" not in repr(ACCESS)
    everything: Any = Access("n", "c", "p", "f")
    assert Access.from_json(everything.to_json()) == everything
