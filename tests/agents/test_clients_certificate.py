"""What is known of an address's certificate, and of who answers there."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.faults.scripted import Reply, Scripted
from tests.faults.socks_relay import SocksProxy
from toolkit.clients.certificate import peer_certificate
from toolkit.clients.greeting import greet, is_another
from toolkit.clients.http import ask
from toolkit.clients.probe import Prober
from toolkit.errors import ApiError, TlsError, UnreachableError
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint

pytestmark = pytest.mark.agents

DAY = 86400.0
LEADER = Reply(b'"127.0.0.1:4647"')


@pytest.fixture(scope="module")
def folder(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates that Nomad makes: one for ten days."""
    folder = tmp_path_factory.mktemp("certificates")
    for arguments in (["ca", "create"], ["cert", "create", "-server", "-days=10"]):
        command = [str(machine.nomad_bin), "tls", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def speaking_tls(folder: Path) -> Iterator[str]:
    """A server with that certificate, and its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        folder / "global-server-nomad.pem", folder / "global-server-nomad-key.pem"
    )

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust us hangs up."""

    server = Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def there(folder: Path) -> Iterator[Endpoint]:
    """A server that is to be trusted."""
    with speaking_tls(folder) as address:
        yield Endpoint("Nomad", address, "the test", ca_file=str(folder / "nomad-agent-ca.pem"))


def test_when_a_certificate_ends_and_whom_it_is_for(there: Endpoint) -> None:
    found = peer_certificate(there)
    assert 9 * DAY < found.ends_at - time.time() < 10 * DAY + 60
    assert "server.global.nomad" in found.names
    assert "Nomad Agent CA" in found.issuer


def test_a_certificate_under_another_name(there: Endpoint) -> None:
    peer_certificate(replace(there, tls_server_name="server.global.nomad"))
    with pytest.raises(TlsError, match="another name"):
        peer_certificate(replace(there, tls_server_name="server.mars.nomad"))


def test_a_certificate_that_nobody_vouches_for(there: Endpoint) -> None:
    with pytest.raises(TlsError, match="not trusted") as caught:
        peer_certificate(replace(there, ca_file=None))
    assert "ca_file" in (caught.value.hint or "")


def test_an_authority_that_is_not_there(there: Endpoint) -> None:
    with pytest.raises(TlsError, match="cannot be read"):
        peer_certificate(replace(there, ca_file="/no/such.pem"))


def test_plain_http_where_tls_was_expected() -> None:
    with Scripted(LEADER) as server:
        address = server.address.replace("http:", "https:")
        with pytest.raises(ApiError):
            peer_certificate(Endpoint("Nomad", address, "the test"))


def test_nobody_there() -> None:
    there = Endpoint("Nomad", "https://127.0.0.1:1", "the test")
    with pytest.raises(UnreachableError):
        peer_certificate(there)
    with pytest.raises(UnreachableError):
        greet(replace(there, address="http://127.0.0.1:1"), "/")


# The plainest question.


def test_a_greeting_brings_no_token_and_takes_the_time() -> None:
    reply = replace(LEADER, headers={"Date": "Mon, 23 Nov 2026 12:00:00 GMT"})
    clock = iter([5.0, 6.0]).__next__
    with Scripted(reply) as server:
        said = greet(Endpoint("Nomad", server.address, "the test"), "/v1/status/leader", now=clock)
        [asked] = server.asked
    assert (said.status, said.body) == (200, '"127.0.0.1:4647"')
    assert (said.asked_at, said.answered_at) == (5.0, 6.0)
    assert not {name.lower() for name in asked.headers} & {"x-nomad-token", "authorization"}


@pytest.mark.parametrize(
    ("system", "header", "other"),
    [
        ("Nomad", {}, False),
        ("Nomad", {"X-Consul-Default-ACL-Policy": "allow"}, True),
        ("Consul", {"X-Consul-Default-ACL-Policy": "allow"}, False),
        ("Consul", {}, True),
    ],
)
def test_the_two_systems_are_told_apart(system: str, header: dict[str, str], other: bool) -> None:
    with Scripted(replace(LEADER, headers=header)) as server:
        there = Endpoint(system, server.address, "the test")  # type: ignore[arg-type]
        error = is_another(there, greet(there, "/v1/status/leader"))
    assert (error is not None) is other
    assert error is None or f"is not {system}'s" in error.message


def test_a_redirect_is_no_greeting() -> None:
    reply = Reply(b"", 302, {"Location": "http://elsewhere/"})
    with (
        Scripted(reply) as server,
        pytest.raises(ApiError, match="does not answer as Nomad does"),
    ):
        greet(Endpoint("Nomad", server.address, "the test"), "/v1/status/leader")


def test_an_answer_that_never_comes() -> None:
    with (
        Scripted(Reply(hold=True)) as server,
        pytest.raises(ApiError, match="did not answer in time"),
    ):
        greet(Endpoint("Nomad", server.address, "the test"), "/", timeout=0.2)


@pytest.mark.parametrize(
    ("site", "trusted", "status"),
    [
        ("server.global.nomad", True, 501), ("server.global.nomad:443", True, 501),
        ("other.global.nomad", True, None), ("server.global.nomad", False, None),
    ],
)  # fmt: skip
def test_a_probe_holds_the_certificate_against_the_site_that_it_asks_for(
    folder: Path, site: str, trusted: bool, status: int | None
) -> None:
    verify = str(folder / "nomad-agent-ca.pem") if trusted else True
    with speaking_tls(folder) as url, Prober(url, host=site, verify=verify) as prober:
        reply = prober.ask("GET", "/")
    assert (reply.status, reply.error) == (status, None if status else "certificate verify failed")


def test_a_certificate_seen_through_a_socks_proxy_is_held_against_the_name(folder: Path) -> None:
    verify = str(folder / "nomad-agent-ca.pem")
    with speaking_tls(folder) as url:
        host, _, port = url.removeprefix("https://").rpartition(":")
        names = ("server.global.nomad", "other.global.nomad")
        with SocksProxy({(name, 443): (host, int(port)) for name in names}) as proxy:
            for name, status in zip(names, (501, None), strict=True):
                asked = f"https://{name}"
                answer = ask(asked, verify=verify, proxy=proxy.address)
                with Prober(asked, verify=verify, proxy=proxy.address) as prober:
                    reply = prober.ask("GET", "/")
                assert (answer.status, reply.status) == (status, status)
                assert status or reply.error == "certificate verify failed"
    assert {name for name, _ in proxy.asked} == {*names}
