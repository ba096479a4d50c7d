"""Bad input that only an agent can tell from good: refused with nothing registered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.faults.scripted import Reply, Scripted
from tests.faults.shell import as_json, refusal

pytestmark = pytest.mark.agents

VALUES = {
    "QUOTES": "she said \"no\", it's 'so' `then`",
    "LINES": "first\nsecond\r\n\tthird\n",
    "DOLLAR": "${not_ours} $${twice} $ {} $",
    "PERCENT": '%{ if true }x%{ endif } %%{ 100% "',
    "HEREDOC": "a\nEOT\nb",
    "BACKSLASH": "C:\\new\\table \\u0041 \\",
    "UNICODE": "naïve — 日本語 😀 \u200b",
    "JINJA": "[[ release ]] [% raw %] {{ env }}",
    "SPACES": "  both ends  ",
    "EMPTY": "",
}
WEB_PAGE = Reply(b"<html><title>Welcome</title></html>", headers={"Content-Type": "text/html"})
OTHERS = {
    "a web server's 404": Reply(b"404 page not found\n", status=404),
    "a web page": WEB_PAGE,
    "JSON of another kind": Reply(as_json({"hello": "world"})),
    "a JSON list": Reply(as_json([1, 2])),
    "a redirect": Reply(b"", status=302, headers={"Location": "https://login.example.com/"}),
    "nothing": Reply(b""),
}
COMMANDS = ("deploy", "plan", "verify", "attach")


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "bad-input")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def fine(shop: Shop) -> str:
    """A job with nothing wrong in its files, never registered."""
    return shop.write()


@pytest.fixture
def untouched(shop: Shop, fine: str) -> Iterator[str]:
    """The same, and afterwards it still is not registered."""
    yield fine
    assert shop.nomad(f"/v1/job/{fine}") is None


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def said_of(shop: Shop, *arguments: str) -> str:
    return refusal(shop.root, *arguments, environ=shop.environ())


def test_a_template_that_yields_invalid_hcl_is_told_by_its_own_line(shop: Shop) -> None:
    template = (
        '[% extends "_lib/service.nomad.hcl.j2" %]\n'
        "[% block group %]\n"
        "network {\n"
        "  mode == [[ job.name ]]\n"
        "}\n"
        "[% endblock %]\n"
    )
    name = shop.write(template=template)
    said = said_of(shop, "deploy", name)
    assert said.startswith(f"jobs/{name}/job.nomad.hcl.j2:4: ")
    assert "mode == [[ job.name ]]" in said  # as it was written
    assert f'mode == "{name}"' in said  # as Nomad read it
    assert "toolkit render" in said
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_block_that_nomad_does_not_know_is_told_by_its_line(shop: Shop) -> None:
    template = (
        '[% extends "_lib/service.nomad.hcl.j2" %]\n'
        "[% block task %]\n"
        "recources {\n  cpu = 1\n}\n"
        "[% endblock %]\n"
    )
    name = shop.write(template=template)
    said = said_of(shop, "deploy", name)
    assert said.startswith(f"jobs/{name}/job.nomad.hcl.j2:3: ")
    assert "recources" in said
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_tasks_environment_holds_exactly_the_values(shop: Shop) -> None:
    """From job.toml, from --var, and through a text in the job's own template."""
    more = "".join(f"{name} = {toml(text)}\n" for name, text in VALUES.items())
    template = (
        '[% extends "_lib/service.nomad.hcl.j2" %]\n'
        "[% block environment %]\n"
        '[% for name, text in environment | dictsort if name in ["QUOTES", "DOLLAR"] %]\n'
        '[[ "IN_TEXT_" ~ name ]] = "<[[ text ]]>"\n'
        "[% endfor %]\n"
        "[% endblock %]\n"
    )
    name = shop.write(change={'MODE = "fine"\n': f'MODE = "fine"\n{more}'}, template=template)
    said = shop.deploy(name, "--var", f"environment.FLAG={VALUES['DOLLAR']}")
    assert said.code == 0, said.out + said.err
    [instance] = shop.running(name)
    stats = shop.nomad(f"/v1/client/allocation/{instance['ID']}/stats")
    [pid, *_] = sorted(map(int, stats["Tasks"]["app"]["Pids"]))
    found = dict(
        entry.split("=", 1)
        for entry in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        if "=" in entry
    )
    assert {key: found.get(key) for key in VALUES} == VALUES
    assert found["FLAG"] == VALUES["DOLLAR"]
    assert found["IN_TEXT_QUOTES"] == f"<{VALUES['QUOTES']}>"
    assert found["IN_TEXT_DOLLAR"] == f"<{VALUES['DOLLAR']}>"


def toml(text: str) -> str:
    """`text` as a basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for character in "\n\r\t":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return f'"{escaped}"'


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_a_namespace_that_does_not_exist(shop: Shop, untouched: str, command: str) -> None:
    said = said_of(shop, command, untouched, "--namespace", "nowhere")
    assert "nowhere" in said
    assert "nomad namespace list" in said


@pytest.mark.parametrize("command", ["deploy", "verify", "status"])
def test_nomad_is_not_running(shop: Shop, untouched: str, command: str) -> None:
    address = nobody()
    said = said_of(shop, command, untouched, "--nomad-addr", address)
    assert f"Nomad at {address} cannot be reached: connection refused" in said
    assert "--nomad-addr" in said


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_something_else_answers_at_nomads_address(
    shop: Shop, untouched: str, command: str, other: Reply
) -> None:
    with Scripted(other) as server:
        said = said_of(shop, command, untouched, "--nomad-addr", server.address)
        assert not [asked for asked in server.asked if asked.path == "/v1/jobs"]
    assert f"Nomad at {server.address}" in said
    assert "something that is not Nomad answers there" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_consul_answers_at_nomads_address(shop: Shop, untouched: str, command: str) -> None:
    address = shop.cluster.consul_address
    said = said_of(shop, command, untouched, "--nomad-addr", address)
    assert f"Nomad at {address}" in said
    assert "something that is not Nomad answers there" in said


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_something_else_answers_at_consuls_address(
    shop: Shop, untouched: str, other: Reply
) -> None:
    with Scripted(other) as server:
        said = said_of(shop, "deploy", untouched, "--consul-addr", server.address)
    assert server.address in said
    assert "nothing was changed" in said


def test_tls_is_spoken_to_a_nomad_that_speaks_plain(shop: Shop, untouched: str) -> None:
    address = shop.cluster.nomad_address.replace("http://", "https://")
    said = said_of(shop, "deploy", untouched, "--nomad-addr", address)
    assert f"Nomad at {address} speaks plain HTTP, and was asked with TLS" in said
    assert "http://" in said


def test_plain_is_spoken_to_a_nomad_that_speaks_tls(shop: Shop, untouched: str) -> None:
    """With the words of a real one; `test_clients_rights` asks one."""
    answer = Reply(b"Client sent an HTTP request to an HTTPS server.\n", status=400)
    with Scripted(answer) as server:
        said = said_of(shop, "deploy", untouched, "--nomad-addr", server.address)
    assert f"Nomad at {server.address}" in said
    assert "the server speaks TLS: write the address with https://" in said


def test_tls_is_spoken_to_a_consul_that_speaks_plain(shop: Shop, untouched: str) -> None:
    address = shop.cluster.consul_address.replace("http://", "https://")
    said = said_of(shop, "deploy", untouched, "--consul-addr", address)
    assert f"Consul at {address} speaks plain HTTP, and was asked with TLS" in said
    assert "nothing was changed" in said
