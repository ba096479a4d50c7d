"""Who Route 53 is asked as, and that what proves it is told to nobody."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.services.kick.fakes.route53 import FakeRoute53, Route53State
from tests.services.kick.fakes.route53_plan import KINDS
from tests.services.kick.zones import NAME
from toolkit.clients.dns.provider import BusyError
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.errors import ApiError, DeniedError, UnreachableError
from toolkit.spec.dns import Change, Record, Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

ZONE = Zone(NAME, "public", "route53", "ZPUBLIC")
CREATE = [Change("CREATE", Record(f"shop.{NAME}", "A", 60, ("203.0.113.7",)))]
ROLE = "arn:aws:iam::123456789012:role/kick"
SECRET = "canary-of-a-secret-access-key"
SESSION = "canary-of-a-session-token"
OWN = Keys("AKIAOWNOWNOWNOWNOWNO", Secret(SECRET), Secret(SESSION))


class TokenService:
    """AssumeRole, and how long what it gives lasts: moto gives an hour, always."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.asked: list[str] = []
        self.lasts = timedelta(hours=1)
        self.status, self.code = 200, ""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                service.asked.append(body)
                status, answer = service.answer()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self) -> tuple[int, bytes]:
        space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
        if self.status != 200:
            error = (
                f"<Error><Type>Sender</Type><Code>{self.code}</Code><Message>no</Message></Error>"
            )
            return self.status, f"<ErrorResponse {space}>{error}</ErrorResponse>".encode()
        key = f"ASIA{len(self.given):016d}"
        self.given.append(key)
        ends = (datetime.now(UTC) + self.lasts).isoformat()
        inner = (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}-of-the-role"
            f"</SecretAccessKey><SessionToken>{SESSION}-of-the-role</SessionToken>"
            f"<Expiration>{ends}</Expiration></Credentials><AssumedRoleUser>"
            f"<Arn>{ROLE}/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>"
        )
        result = f"<AssumeRoleResult>{inner}</AssumeRoleResult>"
        return 200, f"<AssumeRoleResponse {space}>{result}</AssumeRoleResponse>".encode()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def service() -> Iterator[TokenService]:
    made = TokenService()
    yield made
    made.stop()


@pytest.fixture
def fake() -> Iterator[FakeRoute53]:
    with FakeRoute53() as made:
        made.state.add_zone("ZPUBLIC", NAME)
        yield made


@pytest.fixture
def provider(fake: FakeRoute53, service: TokenService) -> Iterator[Route53]:
    access = Route53Access(role=ROLE, endpoint=fake.address, sts_endpoint=service.address)
    made = Route53(access, keys=OWN, read_attempts=1)
    yield made
    made.close()


def test_a_role_is_taken_on_and_asked_as(
    fake: FakeRoute53, service: TokenService, provider: Route53
) -> None:
    provider.apply(ZONE, CREATE)
    list(provider.records(ZONE))
    assert len(service.asked) == 1
    assert "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fkick" in service.asked[0]
    assert "RoleSessionName=toolkit-kick" in service.asked[0]
    assert {call.key for call in fake.state.calls} == {service.given[0]}


def test_a_session_is_renewed_before_it_ends(
    fake: FakeRoute53, service: TokenService, provider: Route53
) -> None:
    service.lasts = timedelta(minutes=5)
    list(provider.records(ZONE))
    service.lasts = timedelta(hours=1)
    provider.apply(ZONE, CREATE)
    list(provider.records(ZONE))
    used = [call.key for call in fake.state.calls]
    assert len(service.given) >= 2
    assert used[-1] == service.given[-1] == used[-2]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", DeniedError),
        (403, "ExpiredToken", DeniedError),
        (500, "InternalFailure", BusyError),
        (400, "Throttling", BusyError),
    ],
)
def test_a_role_that_cannot_be_had_has_done_nothing(
    fake: FakeRoute53,
    service: TokenService,
    provider: Route53,
    status: int,
    code: str,
    kind: type[ApiError],
) -> None:
    service.status, service.code = status, code
    with pytest.raises(kind) as caught:
        provider.apply(ZONE, CREATE)
    assert type(caught.value) is kind
    assert "role" in caught.value.message
    assert fake.state.calls == []
    service.status = 200
    provider.apply(ZONE, CREATE)


def test_a_token_service_that_is_not_there_has_done_nothing(fake: FakeRoute53) -> None:
    access = Route53Access(role=ROLE, endpoint=fake.address, sts_endpoint="http://127.0.0.1:1")
    provider = Route53(access, keys=OWN, connect_seconds=1)
    with pytest.raises(UnreachableError):
        provider.apply(ZONE, CREATE)
    provider.close()
    assert fake.state.calls == []


def test_only_known_keys(fake: FakeRoute53) -> None:
    fake.state.keys = frozenset({"AKIASOMEBODYELSE"})
    provider = Route53(Route53Access(endpoint=fake.address), keys=OWN)
    with pytest.raises(DeniedError):
        provider.apply(ZONE, CREATE)
    provider.close()


def test_no_secret_gets_into_errors_or_logs(
    service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state = Route53State()
    state.add_zone("ZPUBLIC", NAME)
    said = []
    with FakeRoute53(state) as fake:
        access = Route53Access(endpoint=fake.address)
        provider = Route53(access, keys=OWN, read_attempts=1, read_seconds=0.3)
        for kind in KINDS:
            for operation in ("change", "list"):
                fake.plan.released.set()
                fake.plan.add(kind, operation)
                try:
                    provider.apply(ZONE, CREATE)
                    list(provider.records(ZONE))
                except ApiError as exc:
                    said.append("".join(traceback.format_exception(exc)) + repr(exc.hint))
                fake.plan.faults.clear()
        said += [repr(provider), repr(OWN), repr(access)]
        provider.close()
    assert len(said) > len(KINDS)
    for text in (*said, caplog.text):
        assert SECRET not in text
        assert SESSION not in text


def in_a_process(code: str, **environ: str) -> str:
    """What Python says in an environment of nothing but what is given."""
    clean = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **environ}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ASK = """
import sys
from toolkit.clients.dns.route53 import Route53
from toolkit.errors import ApiError
from toolkit.spec.dns import Change, Record, Zone
from toolkit.spec.kick import Route53Access
zone = Zone("apps.example.com", "public", "route53", "ZPUBLIC")
provider = Route53(Route53Access({access}), read_attempts=1)
record = Record("a.apps.example.com", "A", 60, ("192.0.2.1",))
for ask in (
    lambda: list(provider.records(zone)),
    lambda: provider.apply(zone, [Change("CREATE", record)]),
):
    try:
        ask()
    except ApiError as exc:
        print(type(exc).__name__, exc.message, "|", exc.hint)
"""


def test_without_credentials_it_says_where_they_are_looked_for(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    for access in ("", f'role="{ROLE}"'):
        said = in_a_process(ASK.replace("{access}", access), **home).splitlines()
        assert len(said) == 2
        for line in said:
            assert line.startswith("DeniedError there are no AWS credentials")
            assert "AWS SDK looks" in line
    said = in_a_process(ASK.replace("{access}", ""), AWS_PROFILE="nobody", **home).splitlines()
    assert all("AWS_PROFILE" in line for line in said)
    assert len(said) == 2


def test_credentials_of_the_environment_are_found(fake: FakeRoute53, tmp_path: Path) -> None:
    said = in_a_process(
        ASK.replace("{access}", f'endpoint="{fake.address}"'),
        HOME=str(tmp_path),
        AWS_ACCESS_KEY_ID="AKIAFROMTHEENVIRON",
        AWS_SECRET_ACCESS_KEY="x",
    )
    assert said == ""
    assert {call.key for call in fake.state.calls} == {"AKIAFROMTHEENVIRON"}


def test_no_setting_of_the_environment_sends_a_write_again(
    fake: FakeRoute53, tmp_path: Path
) -> None:
    fake.plan.add("lost-after", "change", times=5)
    said = in_a_process(
        ASK.replace("{access}", f'endpoint="{fake.address}"'),
        HOME=str(tmp_path),
        AWS_ACCESS_KEY_ID="AKIAFROMTHEENVIRON",
        AWS_SECRET_ACCESS_KEY="x",
        AWS_MAX_ATTEMPTS="5",
        AWS_RETRY_MODE="adaptive",
    )
    assert said.startswith("ReplyLostError")
    assert [call.operation for call in fake.state.calls] == ["list", "change"]


def test_boto3_costs_nothing_until_it_is_needed() -> None:
    code = (
        "import sys, toolkit.clients.dns.route53 as r\n"
        "r.Route53()\n"
        "print([name for name in sys.modules if name.startswith('boto')])"
    )
    assert in_a_process(code) == "[]\n"
