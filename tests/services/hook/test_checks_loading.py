"""Of what is pushed, only the jobs are its own: where, as whom and who is told is the server's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hook.children.loading import agents_of, settings_of

from tests.services.hook.gate_rig import FILES, TOKEN, config, files_of
from toolkit.config.jobs import load_job
from toolkit.config.settings import Settings
from toolkit.errors import ConfigError
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.target import Endpoint, Secret
from toolkit.workflows.render import render_job

ENVIRONMENT = """
[stack]
jobs = ["web"]
[environments.dev]
"""
CLEAN = settings_of(files_of(FILES), config(), Secret(TOKEN))


def settings(text: str, **more: str) -> Settings:
    files = {**FILES, "toolkit.toml": text, **more}
    return settings_of(files_of(files), config(), Secret(TOKEN))


@pytest.mark.parametrize(
    "line",
    [
        'nomad = "http://evil.example:4646"',
        'consul = "http://evil.example:8500"',
        'kick = "http://evil.example:8652"',
        'hook = "http://evil.example:8655"',
        'edge = { public = "http://evil.example", private = "http://evil.example:81" }',
        'proxy = "socks5h://evil.example:1080"',
        'ca_file = "evil.pem"',
        'cert_file = "evil.pem"\nkey_file = "evil.key"',
        'tls_server_name = "evil.example"',
        'consul_ca_file = "evil.pem"',
        'consul_cert_file = "evil.pem"\nconsul_key_file = "evil.key"',
        'consul_tls_server_name = "evil.example"',
        'traefik_user = "evil"',
        'registry = "evil.example/shop"\nregistry_user = "evil"',
        'namespace = "evil"',
        'region = "evil"',
        'datacenters = ["evil"]',
        'node_pool = "evil"',
        "protected = true",
        "local = true",
    ],
)
def test_nothing_that_says_where_or_as_whom_counts(line: str) -> None:
    """Each is right where it stands, and changes nothing of what the server knows by itself."""
    found = settings(f'{ENVIRONMENT}{line}\ndriver = "raw_exec"\n')
    assert found.target == CLEAN.target
    assert found.notify is None
    assert found.project is not None
    [written] = found.project.file.environments.values()
    assert "evil" not in repr((found.target, written, found.flags))
    assert not written.protected and not written.local and written.registry is None


@pytest.mark.parametrize(
    "notify",
    [
        '[notify]\ncommand = ["touch", "/tmp/evil"]\n',
        '[notify]\nwebhook = "https://evil.example"\n',
        '[notify]\nwebhook_env = "HOME"\ntoken_env = "NOMAD_TOKEN"\n',
    ],
)
def test_nobody_is_told_whom_a_push_names(notify: str) -> None:
    found = settings(f'{ENVIRONMENT}driver = "raw_exec"\n{notify}')
    assert found.notify is None
    assert found.project is not None
    assert not found.project.file.notify


def test_a_cluster_file_makes_no_environment_that_counts() -> None:
    cluster = '[cluster]\nname = "dev"\nregion = "eu-west-1"\n'
    text = '[stack]\njobs = ["web"]\n'
    found = settings(text, **{"clusters/dev.toml": cluster})
    assert found.target == CLEAN.target
    assert found.target.cluster is None and found.target.access is None


def test_variables_rollout_and_driver_of_the_environment_do_count() -> None:
    text = (
        f'{ENVIRONMENT}driver = "docker"\n[environments.dev.variables]\ncolour = "blue"\n'
        "[environments.dev.rollout]\nmax_parallel = 3\n[variables]\nshape = 1\n"
    )
    job = 'name = "web"\nkind = "service"\n[release]\nversion = "1"\n[driver.docker]\nimage = "a"\n'
    found = settings(text, **{"jobs/web/job.toml": job})
    spec = load_job(found.project, "web", found.target, found.flags, python="python3")
    assert spec.driver is not None and spec.driver.name == "docker"
    assert spec.variables == {"colour": "blue", "shape": 1}
    assert spec.rollout.max_parallel == 3


def test_the_job_file_has_its_own_part_for_the_servers_environment() -> None:
    job = FILES["jobs/web/job.toml"] + '[env.dev.environment]\nPLACE = "dev"\n'
    job += '[env.production.environment]\nPLACE = "production"\n'
    text = FILES["toolkit.toml"] + '[environments.production]\nnomad = "http://evil:4646"\n'
    found = settings(text, **{"jobs/web/job.toml": job})
    assert "evil" not in repr(found.project and found.project.file.environments)
    spec = load_job(found.project, "web", found.target, found.flags, python="python3")
    assert spec.environment == {"PLACE": "dev"}


def test_an_environment_that_the_push_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match='there is no environment "dev"'):
        settings('[stack]\njobs = ["web"]\n[environments.production]\nnomad = "http://a:1"\n')


def test_a_project_without_environments_is_deployed_as_it_is() -> None:
    assert settings('[stack]\njobs = ["web"]\n').target == CLEAN.target


def test_every_mistake_of_the_file_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings('colour = 1\n[stack]\njobs = ["wbe"]\n[environments.dev]\nnomda = "x"\n')
    assert {each.line for each in caught.value.mistakes} == {1, 3, 5}


def test_what_an_image_is_built_by_is_not_run(tmp_path: Path) -> None:
    """A job file may say how its image is built on a laptop; here nobody does."""
    job = FILES["jobs/web/job.toml"] + f'[image]\ncommand = ["touch", "{tmp_path}/evil"]\n'
    found = settings(FILES["toolkit.toml"], **{"jobs/web/job.toml": job})
    render_job(found, "web")
    assert not list(tmp_path.iterdir())


def test_a_job_may_say_what_it_runs_which_is_for_nomad_to_judge() -> None:
    """`raw_exec` is a right of the pusher's token at Nomad, and none of the server's."""
    job = FILES["jobs/web/job.toml"].replace("/bin/true", "/usr/bin/id")
    found = settings(FILES["toolkit.toml"], **{"jobs/web/job.toml": job})
    assert '"/usr/bin/id"' in render_job(found, "web").hcl


def test_the_token_is_the_pushers_and_goes_to_nomad_alone() -> None:
    found = CLEAN.target
    assert found.nomad.token is not None and found.nomad.token.reveal() == TOKEN
    assert found.consul.token is None
    assert TOKEN not in repr(CLEAN)


def test_no_variable_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "NOMAD_ADDR": "http://evil.example:4646",
        "NOMAD_TOKEN": "evil",
        "CONSUL_HTTP_ADDR": "http://evil.example:8500",
        "TOOLKIT_ENV": "evil",
        "NOMAD_NAMESPACE": "evil",
        "TOOLKIT_PROXY": "http://evil.example",
        "HTTP_PROXY": "http://evil.example",
    }.items():
        monkeypatch.setenv(name, value)
    found = settings_of(files_of(FILES), config(), Secret(TOKEN))
    assert found.target == CLEAN.target and "evil" not in repr(found.target)


def test_jobs_that_come_with_toolkit_are_there_and_a_push_may_have_its_own() -> None:
    found = settings(
        '[stack]\njobs = ["backend", "web"]\n',
        **{"jobs/backend/job.nomad.hcl.j2": "# mine\n", "jobs/backend/job.toml": 'name = "b"\n'},
    )
    assert found.project is not None
    assert found.project.tree.read("jobs/backend/job.nomad.hcl.j2") == b"# mine\n"
    assert found.project.tree.read("jobs/frontend/job.toml")


@pytest.mark.parametrize("name", ["passwd.hcl", "x.nomad"])
def test_a_job_whose_name_looks_like_a_path_reads_nothing_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_text('job "secret" {}')
    monkeypatch.chdir(tmp_path)
    files = {
        "toolkit.toml": f'[stack]\njobs = ["{name}"]\n',
        f"jobs/{name}/job.toml": FILES["jobs/web/job.toml"],
        f"jobs/{name}/job.nomad.hcl.j2": "# of the commit\n",
    }
    found = settings_of(files_of(files), config(), Secret(TOKEN))
    assert render_job(found, name).hcl == "# of the commit\n"


@pytest.mark.parametrize("name", ["/etc/passwd.hcl", "../x.hcl", "./x.nomad", "jobs/web", "."])
def test_no_stack_names_a_file_of_the_machine(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no job"):
        settings(f'[stack]\njobs = ["{name}"]\n')


def test_jobs_at_once_are_bounded() -> None:
    found = settings('[stack]\njobs = ["web"]\nparallel = 100\n')
    assert found.project is not None and found.project.file.parallel == 16


def test_the_state_of_local_agents_is_read_without_their_tokens(tmp_path: Path) -> None:
    state = AgentState(
        AgentPorts(), (), "traefik", acl=True, nomad_token="a", consul_token="b", traefik_token="c"
    )
    path = tmp_path / "state.json"
    path.write_text(state.to_json())
    local = replace(config(), target=replace(config().target, state=str(path)))
    agents = agents_of(local)
    assert agents is not None and agents.acl
    assert (agents.nomad_token, agents.consul_token, agents.traefik_token) == ("", "", "")
    found = settings_of(files_of(FILES), local, Secret(TOKEN), agents=agents)
    assert found.target.local and found.target.agents == agents
    assert found.target.nomad == replace(config().target.nomad, token=Secret(TOKEN))


@pytest.mark.parametrize("text", ["", "{}", "[" * 3000])
def test_a_damaged_state_of_agents_is_a_mistake_of_the_servers_file(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    local = replace(config(), target=replace(config().target, state=str(path)))
    with pytest.raises(ConfigError, match=r"hook\.toml: target\.state: cannot be read: it is"):
        agents_of(local)


def test_a_token_for_consul_is_the_servers_own() -> None:
    consul = Endpoint("Consul", "http://127.0.0.1:8500", "hook.toml", token=Secret("consul-token"))
    known = replace(config(), target=replace(config().target, consul=consul))
    found = settings_of(files_of(FILES), known, Secret(TOKEN))
    assert found.target.consul == consul
