"""What drivers, registries, downloaders, hooks and programs say, and what it is taken for."""

from __future__ import annotations

import pytest

from tests.unit.test_rollout_reasons import Logs, allocation, crash, event, world
from toolkit.clients import task_texts
from toolkit.rollout import reasons
from toolkit.rollout.causes.words import LONGEST, one_line
from toolkit.spec.cause import Cause

PULL = "Failed to pull `shop/api:1.2`: "


def cause_of(kind: str, message: str) -> Cause:
    """The cause of an allocation with one event."""
    return reasons.of_allocation(world(), allocation([event(kind, 1, message)]))


@pytest.mark.parametrize(
    ("message", "kind", "says", "advises"),
    [
        (
            PULL + "Error response from daemon: pull access denied for shop/api, repository does"
            " not exist or may require 'docker login': denied: requested access to the resource"
            " is denied",
            "image", "not found, or may not be pulled without a login (shop/api:1.2)", "auth",
        ),
        (
            PULL + "API error (404): manifest for shop/api:1.2 not found: manifest unknown",
            "image", "the image was not found (shop/api:1.2)", "name and tag",
        ),
        (
            PULL + "toomanyrequests: You have reached your pull rate limit",
            "image", "limits how often images are pulled", "log in",
        ),
        (
            PULL + "unauthorized: authentication required",
            "image", "did not let us in", "login",
        ),
        (
            PULL + 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such'
            " host",
            "image", "the registry does not answer", "node-1",
        ),
        (
            PULL + "net/http: TLS handshake timeout", "image", "does not answer", "firewall",
        ),
        (PULL + "something new", "image", "could not be pulled", "by hand"),
        (
            "Failed to create container: API error (409): driver failed programming external"
            " connectivity on endpoint x: Bind for 127.0.0.1:8080 failed: port is already"
            " allocated",
            "port", "port 8080 is taken on node-1", "ss -ltnp",
        ),
        (
            'failed to launch command with executor: rpc error: code = Unknown desc = binary'
            ' "/opt/app" could not be found',
            "command", "its command was not found (/opt/app)", "installed",
        ),
        (
            'API error (400): OCI runtime create failed: exec: "server": executable file not found'
            " in $PATH: unknown",
            "command", "its command was not found (server)", "installed",
        ),
        (
            'failed to start command path="/etc/passwd" --- args=["/etc/passwd"]: fork/exec'
            " /etc/passwd: exec format error",
            "command", "no file that can be executed (/etc/passwd)", "executable",
        ),
        (
            'failed driver config validation: failed to identify user "www": user: unknown user'
            " www",
            "command", "its user does not exist (www)", "user",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock",
            "driver", "does not answer", "node status",
        ),
        ("write /x: no space left on device", "disk", "disk is full", "free disk"),
        ("the moon is full", "driver", "the moon is full", "driver settings"),
    ],
)  # fmt: skip
def test_a_driver_failure_is_told_apart(message: str, kind: str, says: str, advises: str) -> None:
    cause = cause_of("Driver Failure", message)
    assert cause.kind == kind
    assert cause.summary.startswith("task app could not be started: ")
    assert says in cause.summary
    assert advises in str(cause.advice)
    assert cause.evidence[0].startswith("event: ")


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("bad response code: 404", "it is not there"),
        ("bad response code: 403", "did not let us in"),
        ("bad response code: 502", "its server failed"),
        ("dial tcp 10.0.0.9:80: connect: connection refused", "its server does not answer"),
        ("Checksums did not match for /local/x.\nExpected: 00\nGot: 75", "checksum"),
        ("x509: certificate signed by unknown authority", "certificate is not trusted"),
    ],
)
def test_a_failed_download_names_address_and_reason(reason: str, says: str) -> None:
    address = "https://me:hunter2@files.example/app.tgz?token=abc"
    cause = cause_of(
        "Failed Artifact Download", f'failed to download artifact "{address}": {reason}'
    )
    assert cause.kind == "artifact"
    assert "https://files.example/app.tgz" in cause.summary
    assert says in cause.summary
    # Logins and signatures in an address are nobody's business.
    assert "hunter2" not in repr(cause)
    assert "abc" not in repr(cause)


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("Task hook failed", "template: failed to read template: no such file", "template"),
        ("Task hook failed", "template: (dynamic): kv.block(a): 403 (Permission denied)", "denied"),
        ("Task hook failed", "consul: failed to derive Consul token", "identity"),
        ("Task hook failed", "vault: failed to derive vault token: 403", "identity"),
        ("Task hook failed", "volumes: mount point is busy", "hook"),
        ("Task hook failed", "logmon: write: no space left on device", "disk"),
        ("Setup Failure", "failed to build task directory: no space left on device", "disk"),
        ("Setup Failure", "failed to build task directory: bad luck", "setup"),
    ],
)
def test_a_hook_or_a_setup_is_told_apart(kind: str, message: str, expected: str) -> None:
    cause = cause_of(kind, message)
    assert cause.kind == expected
    assert message in cause.summary
    assert cause.advice


def test_nomad_kills_a_task_for_its_template() -> None:
    text = 'Template failed: (dynamic): parse: template: :1: function "nope" not defined'
    failed = event("Killing", 1, text, fails_task="true")
    cause = reasons.of_allocation(world(), allocation([failed]))
    assert cause.kind == "template"
    assert 'function "nope" not defined' in cause.summary
    # An ordinary kill is what somebody asked for.
    asked = [event("Started", 1), event("Killing", 2, "Sent interrupt"), crash(3, "137", "9")]
    assert reasons.of_allocation(world(), allocation(asked)).kind == "check"


@pytest.mark.parametrize(
    ("said", "advises"),
    [
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "leader"),
        ("Unexpected response code: 500 (No cluster leader)", "leader"),
        ("dial tcp 127.0.0.1:8500: connect: connection refused", "Consul agent of node-1"),
        ("Unexpected response code: 403 (Permission denied)", "nomad setup consul"),
    ],
)
def test_a_login_that_nobody_answered_is_told_from_one_that_was_refused(
    said: str, advises: str
) -> None:
    why = f'pre-run hook "consul" failed: failed to derive Consul token for service web: {said}'
    cause = cause_of("Setup Failure", f"failed to setup alloc: {why}")
    assert cause.kind == "identity"
    assert advises in str(cause.advice)


@pytest.mark.parametrize(
    ("missing", "waits", "create"),
    [
        ("kv.block(shop/db)", "Consul key shop/db", "consul kv put shop/db VALUE"),
        (
            "nomad.var.block(nomad/jobs/shop@default.global)",
            "Nomad variable nomad/jobs/shop", "toolkit secret set shop KEY",
        ),
        (
            "nomad.var.block(team/key@default.global)",
            "Nomad variable team/key", "nomad var put team/key KEY=VALUE",
        ),
        (
            "health.service(db|passing)", "a passing instance of Consul service db",
            "deploy what offers service db",
        ),
        ("nomad.service(db)", "an instance of Nomad service db", "deploy what offers service db"),
        ("vault.read(secret/db)", "Vault secret secret/db", "vault kv put secret/db KEY=VALUE"),
        ("moon.phase(full)", "moon.phase full", "create what the template waits for"),
    ],
)  # fmt: skip
def test_a_template_that_waits_names_what_creates_it(missing: str, waits: str, create: str) -> None:
    waiting = [event("Template", 1, f"Missing: {missing}")]
    logs = Logs(job={"ID": "shop"})
    cause = reasons.of_allocation(world(logs), allocation(waiting))
    assert cause.kind == "template"
    assert cause.summary == f"task app waits for {waits}"
    assert create in str(cause.advice)


def test_of_many_missing_things_some_are_named() -> None:
    text = "Missing: " + ", ".join(f"kv.block(k{number})" for number in range(5))
    cause = cause_of("Template", text)
    assert cause.summary == (
        "task app waits for Consul key k0, Consul key k1, Consul key k2 and 2 more"
    )
    assert "`consul kv put k0 VALUE`, `consul kv put k1 VALUE`" in str(cause.advice)


def test_each_thing_that_is_missing_has_its_command() -> None:
    cause = cause_of("Template", "Missing: kv.block(a/b), nomad.var.block(c@default.global)")
    wanted = "create them: `consul kv put a/b VALUE`, `nomad var put c KEY=VALUE`"
    assert str(cause.advice).startswith(wanted)


@pytest.mark.parametrize(
    ("said", "port"),
    [
        ("OSError: [Errno 98] Address already in use", None),
        ("listen tcp :8080: bind: address already in use", "8080"),
        ("Error: listen EADDRINUSE: address already in use :::3000", "3000"),
        ("[Errno 98] error while attempting to bind on address ('127.0.0.1', 8080)", "8080"),
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", "80"),
        ("Web server failed to start. Port 8081 was already in use.", "8081"),
    ],
)
def test_a_taken_port_in_any_languages_words(said: str, port: str | None) -> None:
    logs = Logs(said.encode())
    cause = reasons.of_allocation(world(logs), allocation([crash(2)]))
    assert cause.kind == "port"
    named = f"port {port} is taken on node-1" if port else "its port is taken"
    assert cause.summary == f"task app exited 1: {named}"
    assert f"stderr: {said}" in cause.evidence


@pytest.mark.parametrize(
    ("code", "signal", "said", "kind", "how"),
    [
        ("127", "0", b"sh: 1: nope: not found", "command", "exited 127 (command not found)"),
        ("126", "0", b"", "command", "exited 126 (its command cannot be executed)"),
        ("137", "9", b"", "crash", "was killed by signal 9 (SIGKILL)"),
        ("137", "0", b"", "crash", "exited 137 (SIGKILL)"),
        ("143", "0", b"", "crash", "exited 143 (SIGTERM)"),
        ("255", "0", b"", "crash", "exited 255"),
        ("160", "0", b"", "crash", "exited 160"),
        ("1", "0", b"java.lang.OutOfMemoryError: Java heap space", "oom", "ran out of memory"),
        ("1", "0", b"OSError: [Errno 28] No space left on device", "disk", "the disk is full"),
        ("0", "0", b"", "crash", "exited 0"),
    ],
)
def test_exit_codes_and_signals_in_words(
    code: str, signal: str, said: bytes, kind: str, how: str
) -> None:
    ended = [crash(2, code, signal), event("Not Restarting", 3, "Policy allows no restarts")]
    cause = reasons.of_allocation(world(Logs(said)), allocation(ended))
    assert cause.kind == kind
    assert how in cause.summary


def test_the_advice_depends_on_the_end() -> None:
    def advice(code: str, signal: str, kind: str = "service") -> str:
        ended = [crash(2, code, signal), event("Restarting", 3)]
        job = {"ID": "shop", "Type": kind}
        return str(reasons.of_allocation(world(Logs(job=job)), allocation(ended)).advice)

    assert "dmesg" in advice("137", "9")
    assert "SIGSEGV" in advice("139", "11")
    assert "sent SIGTERM" in advice("143", "15")
    assert "in the foreground" in advice("0", "0")
    assert "in the foreground" not in advice("0", "0", "batch")
    assert advice("3", "0").endswith("then deploy again")
    assert advice("3", "0", "batch").endswith("then run it again")
    assert advice("3", "0", "sysbatch").endswith("then run it again")


def test_an_out_of_memory_kill_says_how_much_there_was() -> None:
    resources = {"MemoryMB": 64, "MemoryMaxMB": 128}
    job = {"TaskGroups": [{"Name": "web", "Tasks": [{"Name": "app", "Resources": resources}]}]}
    ended = [crash(1, "137", oom_killed="true"), crash(2, "137", oom_killed="true")]
    cause = reasons.of_allocation(world(Logs(job=job)), allocation(ended))
    assert cause.kind == "oom"
    assert cause.summary == "task app was killed for using more memory than 128 MB twice"
    assert "now 128 MB" in str(cause.advice)


def test_hooks_are_found_in_both_ways_of_saying_it() -> None:
    assert (
        task_texts.hook_of('failed to setup alloc: pre-run hook "network" failed: x') == "network"
    )
    assert task_texts.hook_of("template: failed to read") == "template"
    assert task_texts.hook_of("Nothing of the kind") == ""


def test_of_a_long_message_the_end_stays() -> None:
    said = one_line(f"cannot make {'/very/long' * 60}: no space left on device")
    assert len(said) == LONGEST
    assert said.startswith("cannot make /very/long")
    assert said.endswith("/very/long: no space left on device")
