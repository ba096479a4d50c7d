"""What somebody who may push could try through the whole server: to speak, to ask, to find out.

Payloads are harmless: text that would move a cursor, an address that counts who comes, a canary.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from tests.repos.branches import heads
from tests.services.hook.git_wire import hear
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    PUSHER_TOKEN,
    READER_TOKEN,
    HookProcess,
    git,
    hook_process,
)
from tests.services.hook.obliging import FILES, Held, Obliging, project, pushed
from tests.services.running import PATIENCE

OURS = {
    "CONSUL_HTTP_TOKEN": "canary-consul-7d1f",
    "TOOLKIT_TRAEFIK_PASSWORD": "canary-traefik-7d1f",
    "HOOK_REGISTRY_PASSWORD": "canary-registry-7d1f",
    "NOMAD_TOKEN": "canary-nomad-7d1f",
}
"""What is the server's own, and nobody else's."""
ODD = "\x1b]0;owned\x07\x1b[2J\r\u202edeployed\u2066\x9b31m"
"""Title, screen, line, direction: what a terminal obeys."""
TOML = FILES["toolkit.toml"]
JOB = FILES["jobs/web/job.toml"]
MAIN = "jobs/web/job.nomad.hcl.j2"


@pytest.fixture(scope="module")
def nomad() -> Obliging:
    return Obliging()


@pytest.fixture(scope="module")
def server(nomad: Obliging, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    folder = tmp_path_factory.mktemp("attacks")
    with hook_process(folder, nomad=nomad.answer, **OURS) as running:  # type: ignore[arg-type]
        running.make("shop", order="queue")
        running.make("web", order="queue")
        yield running


@pytest.fixture(autouse=True)
def well(nomad: Obliging) -> None:
    """Nomad does what it is asked, unless a test has it otherwise."""
    nomad.on = lambda _asked: None


# To speak: what is pushed says nothing to a terminal, nor to who reads the log.


def quiet(text: str) -> None:
    """Nothing in it that is obeyed instead of shown."""
    odd = [line for line in text.split("\n") if not line.replace("\t", " ").isprintable()]
    assert not odd, odd


def texts(said: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping):
        for key, value in said.items():
            yield str(key)
            yield from texts(value)
    elif isinstance(said, list):
        for each in said:
            yield from texts(each)


def escaped(text: str) -> str:
    """As a TOML file may have it."""
    return "".join(f"\\u{ord(c):04X}" if not c.isalnum() else c for c in text)


SPEAKING: dict[str, Mapping[str, str]] = {
    "author-and-message": {},
    "key": {"jobs/web/job.toml": f'{JOB}"{escaped(ODD)}" = 1\n'},
    "job": {"toolkit.toml": TOML.replace('"web"', f'"web", "{escaped(ODD)}"')},
    "release": {"jobs/web/job.toml": JOB.replace("1.0.0", escaped(ODD))},
    "template": {MAIN: f"{FILES[MAIN]}[[ {escaped(ODD)!r} | nothing ]]\n"},
    "undefined": {MAIN: "[[ variables['" + ODD.replace("\r", "") + "'] ]]\n"},
    "environment": {"toolkit.toml": f'{TOML}"{escaped(ODD)}" = "x"\n'},
    "broken": {"toolkit.toml": f"{TOML}= {ODD}\n"},
    "file": {f"jobs/web/{ODD.replace('/', '')}": "x"},
}


@pytest.mark.parametrize("name", SPEAKING)
def test_what_a_push_says_is_shown_and_never_obeyed(
    server: HookProcess, tmp_path: Path, name: str
) -> None:
    """In names, values and errors; on the pusher's screen, in the log, audit, records and API."""
    work = tmp_path / "work"
    project(work, {**FILES, **SPEAKING[name]}, message=f"x {ODD}", author=f"A {ODD}")
    _, said = pushed(work, server, "+HEAD:main")
    quiet(said)
    everywhere(server)


def quoting(part: str, asked: Asked) -> Reply | None:
    return Reply(f"cannot {ODD} {PUSHER_TOKEN}".encode(), 500) if part in asked.path else None


def test_what_nomad_quotes_of_a_push_is_not_obeyed_either(
    server: HookProcess, nomad: Obliging, tmp_path: Path
) -> None:
    """First of its check, then of its deployment."""
    for part in ("/jobs/parse", "/plan", "/locks/"):
        nomad.on = partial(quoting, part)
        project(tmp_path / part.strip("/"), {**FILES, "which": part})
        _, said = pushed(tmp_path / part.strip("/"), server, "HEAD:main", name="web")
        assert "cannot" in said or "rejected" in said, said
        assert PUSHER_TOKEN not in said
        quiet(said)
    everywhere(server)


def everywhere(server: HookProcess) -> None:
    """The log, the audit, the records and their logs, and what the API says of them."""
    for each in texts(list(server.said)):
        quiet(each)
    for folder in ("audit", "deployments", "registry"):
        for path in (server.data / folder).rglob("*.json*"):
            for line in path.read_text().splitlines():
                quiet(line)
    for path in (server.data / "deployments").rglob("*.log"):
        for line in path.read_text().splitlines():
            for text in texts(json.loads(line)):
                quiet(text)
    for name in ("shop", "web"):
        said = server.ask("GET", f"/repos/{name}/deployments").json()
        for text in texts(said):
            quiet(text)


def test_push_options_are_not_taken(server: HookProcess, tmp_path: Path) -> None:
    project(tmp_path / "work")
    option = "--push-option=x;X-Stat:1\nCI=1"
    done = git("push", option, server.remote(), "HEAD:other", cwd=tmp_path / "work", check=False)
    assert done.returncode != 0
    assert heads(server.data / "repos/shop.git").get("other") is None


# To ask: nobody is dialled whom a push, or a request, names.


def test_nothing_pushed_makes_the_server_or_its_children_dial(
    server: HookProcess, nomad: Obliging, tmp_path: Path
) -> None:
    """Through the check, the deployment and its verdict; Nomad refuses to register in the end."""
    with Scripted(Reply()) as other:
        lines = "".join(
            f'{key} = "{other.address}"\n' for key in ("nomad", "consul", "kick", "hook", "proxy")
        )
        where = other.address.removeprefix("http://")
        files = {
            **FILES,
            "toolkit.toml": f'{TOML}{lines}[notify]\nwebhook = "{other.address}/told"\n',
            ".lfsconfig": f"[lfs]\n\turl = {other.address}/lfs\n",
            ".gitattributes": "* filter=lfs diff=lfs merge=lfs\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = {other.address}/x.git\n',
            ".netrc": "machine x login y password z\n",
        }
        work = tmp_path / "work"
        project(work, files)
        onto(server, work, "web")
        code, said = pushed(work, server, "HEAD:main", name="web")
        assert code == 0, said
        assert "remote: deployment" in said and "refused: nothing was changed" in said, said
        service = f'job "web" {{\nservice {{\n  name = "web"\n  address = "{where}"\n}}\n}}\n'
        project(work, {**files, MAIN: service})
        code, said = pushed(work, server, "HEAD:main", name="web")
        assert code == 1
        assert f"service web says that it is at {where}" in said
        for head in (
            f"GET {other.address}/repos HTTP/1.1\r\nHost: {where}\r\n",
            f"GET //{where}/x.git/info/refs HTTP/1.1\r\nHost: {where}\r\n",
            f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n",
            f"GET /repos HTTP/1.1\r\nHost: {where}\r\nX-Forwarded-Host: {where}\r\n"
            f"Forwarded: host={where}\r\nReferer: {other.address}\r\n",
        ):
            request = f"{head}X-Nomad-Token: {ADMIN_TOKEN}\r\nConnection: close\r\n\r\n"
            with server.raw(request.encode()) as connection:
                answer = hear(connection)
            # A path that is nothing is said back; nobody is sent there.
            assert b"\r\nlocation:" not in answer.lower()
            assert b" 200 OK" not in answer or where.encode() not in answer
        assert not other.asked and not other.connections


# To find out: no token is anywhere but in memory, and scripts see nothing of others.


def test_a_token_is_in_memory_and_nowhere_else_while_a_push_runs_and_after_it(
    server: HookProcess, nomad: Obliging, tmp_path: Path
) -> None:
    """Arguments and environments of every process of the server, and every byte that it wrote."""
    hooks(server, "shop", {"pre-receive": "#!/bin/sh\nenv\n"})
    stages = [Held(lambda asked: asked.path.endswith("/plan")), Held(_is_lock)]

    def wait(asked: Asked) -> None:
        for each in stages:
            each(asked)

    nomad.on = wait
    work = tmp_path / "work"
    project(work, {**FILES, "b": "1"})
    onto(server, work, "shop")
    seen = ""
    with ThreadPoolExecutor(1) as pool:
        push = pool.submit(pushed, work, server, "HEAD:main")
        for stage in stages:
            assert stage.arrived.wait(PATIENCE)
            seen += shown(server.process.pid)
            stage.release.set()
        code, said = push.result(PATIENCE)
    assert code == 0, said
    assert "receive-pack" in seen and "HOOK_NONCE" in seen
    answers = [
        server.ask("GET", "/repos/shop", {}, auth=("x", PUSHER_TOKEN + "1")),
        server.ask("GET", "/repos/shop/deployments/1/log"),
        server.ask("GET", "/metrics", {}),
    ]
    written = b"".join(
        path.read_bytes() for path in server.data.rglob("*") if path.is_file()
    ).decode(errors="replace")
    spoken = json.dumps(server.said) + "".join(server.errors)
    everything = seen + said + written + spoken + "".join(each.text for each in answers)
    encoded = base64.b64encode(f"x:{PUSHER_TOKEN}".encode()).decode()
    for secret in (PUSHER_TOKEN, ADMIN_TOKEN, READER_TOKEN, encoded):
        assert secret not in everything
    for secret in OURS.values():
        # Of the server's own environment nobody else has anything.
        assert secret not in said + written + spoken


def _is_lock(asked: Asked) -> bool:
    return "/locks/" in asked.path


def shown(pid: int) -> str:
    """Arguments of the server and of all below it, and the environments of those."""
    server = psutil.Process(pid)
    found = [" ".join(server.cmdline())]
    for each in server.children(recursive=True):
        try:
            found += [" ".join(each.cmdline()), str(each.environ())]
        except psutil.Error:
            continue
    for name in OURS.values():
        assert name not in "".join(found)
    return "".join(found)


PEEKS = """#!/bin/sh
try() {{ ("$@") 2>/dev/null | grep -q . && echo "went: $*"; }}
try cat {data}/repos/web.git/HEAD
try ls {data} {data}/audit {data}/deployments {data}/hooks {data}/gate {data}/registry
for pid in {pids}; do
  try cat /proc/$pid/environ
  try head -c 1 /proc/$pid/mem
  try ls /proc/$pid/fd /proc/$pid/cwd/ /proc/$pid/root/etc
  kill -0 $pid 2>/dev/null && echo "may end $pid"
done
test -w {data}/gate/gate.sock && echo "may speak"
env | grep -iE 'token|canary|nonce|password' && echo "has a secret"
echo looked
"""


@pytest.mark.root
def test_a_script_of_a_repository_sees_nothing_of_the_server_or_of_others(
    server: HookProcess, tmp_path: Path
) -> None:
    """Other repositories, the server's memory and variables, its children, the gate's socket."""
    below = psutil.Process(server.process.pid)
    pids = [below.pid, *(each.pid for each in below.children(recursive=True))]
    script = PEEKS.format(data=server.data, pids=" ".join(map(str, pids)))
    hooks(server, "shop", {"pre-receive": script})
    project(tmp_path / "work", {"c": "1"})
    code, said = pushed(tmp_path / "work", server, "+HEAD:peeks")
    assert code == 0, said
    lines = [
        line.removeprefix("remote: ").rstrip()
        for line in said.splitlines()
        if line.startswith("remote: ")
    ]
    assert lines[-2:] == ["shop: peeks is not main, so that nothing is deployed", "looked"], lines


def onto(server: HookProcess, work: Path, repo: str) -> None:
    """Let a work tree go forward from what an earlier test pushed, keeping its own files."""
    if "main" in heads(server.data / f"repos/{repo}.git"):
        git("fetch", "-q", server.remote(repo), "main", cwd=work)
        git("merge", "-q", "-s", "ours", "--allow-unrelated-histories", "FETCH_HEAD", cwd=work)


def hooks(server: HookProcess, repo: str, scripts: Mapping[str, str]) -> None:
    files = [
        {"path": name, "executable": True, "data": base64.b64encode(text.encode()).decode()}
        for name, text in scripts.items()
    ]
    answer = server.ask("POST", f"/repos/{repo}/hooks", json={"files": files})
    assert answer.is_success, answer.text
