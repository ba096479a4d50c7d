"""`toolkit dns set` waits until it holds, asks first where it must, and checks before it asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import (
    AuditError,
    ConfigError,
    ExitCode,
    NeedsAnswerError,
    RefusedError,
    RenderError,
    ToolkitError,
)
from toolkit.rollout.world import World
from toolkit.serving.chain import FIRST, Head, document, seal
from toolkit.spec.audit import Actor, Draft
from toolkit.spec.target import Endpoint, Target
from toolkit.workflows.dns import audit, records
from toolkit.workflows.dns.iam import iam
from toolkit.workflows.dns.records import Asked as Wanted
from toolkit.workflows.kick_job import KICK
from toolkit.workflows.session import Session

NAME = "shop.apps.example.com"


class Zone:
    """A kick server with one record, which is PENDING as often as `behind` says."""

    def __init__(self, *, behind: int = 0, there: bool = False) -> None:
        self.behind = behind
        self.there = there

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            self.there = True
            return self._record(201, changed=True)
        if not self.there:
            said = {"type": "/problems/not-found", "detail": "none"}
            headers = {"Content-Type": "application/problem+json"}
            return Reply(json.dumps(said).encode(), 404, headers)
        if asked.method == "GET":
            self.behind -= 1
        return self._record(200)

    def _record(self, status: int, **more: Any) -> Reply:
        said = {
            "hostname": NAME, "type": "A", "zone": "public", "values": ["203.0.113.7"], "ttl": 60,
            "owner": "people of cluster dev", "status": "PENDING" if self.behind > 0 else "INSYNC",
        }  # fmt: skip
        return Reply(json.dumps({**said, **more}).encode(), status)


@contextmanager
def session(script: Any, *, protected: bool = False) -> Iterator[tuple[Session, Scripted]]:
    """A session whose kick server is scripted, and whose clock goes by what it sleeps."""
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds

    with Scripted(script) as server:
        target = Target(
            "production",
            Endpoint("Nomad", "http://127.0.0.1:1", "x"),
            Endpoint("Consul", "http://127.0.0.1:1", "x"),
            kick=Endpoint("Kick", server.address, "toolkit.toml:3"),
            protected=protected,
        )
        world = World(
            target, Nomad(target.nomad), Consul(target.consul),
            clock=lambda: time[0], now=lambda: 0.0, sleep=sleep,
        )  # fmt: skip
        yield Session(cast(Settings, None), world), server


def test_it_waits_until_every_server_of_the_provider_has_it() -> None:
    with session(Zone(behind=4)) as (here, server):
        report = records.set_record(here, Wanted(NAME, ("203.0.113.7",)), wait=90)
    assert (report.verdict, report.code) == ("set", ExitCode.OK)
    assert report.after is not None
    assert report.after.state == "INSYNC"
    assert [asked.method for asked in server.asked] == ["GET", "POST", "GET", "GET", "GET", "GET"]


def test_at_its_deadline_it_says_that_it_does_not_know() -> None:
    with session(Zone(behind=1000)) as (here, server):
        report = records.set_record(here, Wanted(NAME, ("203.0.113.7",)), wait=30)
    assert (report.verdict, report.code) == ("pending", ExitCode.UNKNOWN)
    assert report.seconds == 30
    assert len(server.asked) < 15
    assert "toolkit dns list" in report.notes[0]


def test_a_change_stays_one_when_it_cannot_be_seen_any_more() -> None:
    zone = Zone(behind=1000)

    def forgetful(asked: Asked) -> Reply:
        answer = zone(asked)
        zone.there = asked.method != "POST" and zone.there
        return answer

    with session(forgetful) as (here, _):
        report = records.set_record(here, Wanted(NAME, ("203.0.113.7",)), wait=30)
    assert (report.verdict, report.code) == ("pending", ExitCode.UNKNOWN)
    assert "then not seen any more" in report.notes[0]


def test_without_a_wait_the_change_is_told_as_it_is() -> None:
    with session(Zone(behind=1000)) as (here, server):
        report = records.set_record(here, Wanted(NAME, ("203.0.113.7",)), wait=None)
    assert (report.verdict, report.code) == ("set", ExitCode.OK)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(NAME), "no value"),
        (Wanted(NAME, ("x",)), "is no address"),
        (Wanted(NAME, ("1.2.3.4", "::1")), "addresses of both kinds"),
        (Wanted(NAME, ("1.2.3.4",), alias="lb@Z"), "an alias has no values"),
        (Wanted("a b", ("1.2.3.4",)), "hostname"),
        (Wanted(NAME, ("1.2.3.4",), ttl=10**9), "ttl"),
        (Wanted(NAME, ("1.2.3.4",), "MX"), "type"),
        (Wanted(NAME, ("1.2.3.4",), "CNAME"), "values"),
        (Wanted(NAME, ("1.2.3.4",), zone="inner"), "zone"),
    ],
)
def test_a_mistake_is_told_before_anything_is_asked(wanted: Wanted, message: str) -> None:
    with session(Zone()) as (here, server):
        with pytest.raises(RefusedError, match=message):
            records.set_record(here, wanted, wait=None)
        assert server.asked == []


@pytest.mark.parametrize(
    "change",
    [
        lambda here: records.set_record(here, Wanted(NAME, ("203.0.113.7",)), wait=None),
        lambda here: records.delete_record(here, NAME),
    ],
)
def test_a_protected_environment_asks_first(change: Any) -> None:
    with session(Zone(there=True), protected=True) as (here, server):
        with pytest.raises(NeedsAnswerError, match=f"{NAME}.*protected environment production"):
            change(here)
        assert server.asked == []


def test_an_alias_is_asked_for_with_its_zone() -> None:
    with session(Zone()) as (here, server):
        records.set_record(here, Wanted(NAME, alias="lb.example.com@Z0123"), wait=None)
    body = json.loads(server.asked[1].body)
    assert body["alias"] == {"target": "lb.example.com", "zone": "Z0123"}
    assert (body["type"], "values" in body) == ("A", False)


# --- the audit ---------------------------------------------------------------------------------


def chain(length: int) -> list[dict[str, Any]]:
    entries, head = [], Head(0, FIRST)
    for number in range(1, length + 1):
        draft = Draft("intent", "dns.set", Actor("person", name="me"), subject=f"n{number}")
        entry = seal(draft, head, f"2026-01-01T00:00:{number:02}+00:00")
        entries.append(document(entry))
        head = Head(entry.seq, entry.hash)
    return entries


def serve(entries: list[dict[str, Any]], head: dict[str, Any] | None = None) -> Any:
    last = {key: entries[-1].get(key) for key in ("seq", "hash")}

    def answer(asked: Asked) -> Reply:
        said = {"entries": entries, "next": None, "head": head or last}
        return Reply(json.dumps(said).encode())

    return answer


def test_a_whole_chain_holds() -> None:
    entries = chain(5)
    with session(serve(entries)) as (here, _):
        report = audit.audit(here, audit.Wanted(), verify=True, head=entries[2]["hash"][:12])
    assert (report.verified, report.count, report.head) == (True, 5, entries[-1]["hash"])


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            lambda e: [{**e[0]}, {**e[1], "subject": "other"}, *e[2:]],
            "at entry 2: .*changed after it was written",
        ),
        (lambda e: [e[0], *e[2:]], "entry 2 should follow, and 3 does"),
        (lambda e: [e[0], e[2], e[1], *e[3:]], "entry 2"),
        (lambda e: e[2:], "entry 1 should follow, and 3 does"),
        (lambda e: [*e[:4], {"seq": 5}], "at entry 5: "),
    ],
)
def test_a_chain_that_was_tampered_with_is_told_with_the_entry(broken: Any, told: str) -> None:
    with session(serve(broken(chain(5)))) as (here, _):
        with pytest.raises(AuditError, match=told) as caught:
            audit.audit(here, audit.Wanted(), verify=True)
        assert caught.value.code is ExitCode.UNVERIFIED


def test_an_end_that_was_cut_off_is_missed() -> None:
    entries = chain(5)
    head = {"seq": 5, "hash": entries[-1]["hash"]}
    with (
        session(serve(entries[:3], head)) as (here, _),
        pytest.raises(AuditError, match="it ends at entry 3, and the server says that it has 5"),
    ):
        audit.audit(here, audit.Wanted(), verify=True)
    # A server that forgot as well is caught by who kept a hash.
    with (
        session(serve(entries[:3])) as (here, _),
        pytest.raises(AuditError, match="it was cut off or written anew"),
    ):
        audit.audit(here, audit.Wanted(), head=entries[4]["hash"])


def part(entries: list[dict[str, Any]], first: int) -> Any:
    """An audit whose entries before `first` were moved away, as the server shows it."""

    def answer(asked: Asked) -> Reply:
        begin = max(first, int(asked.query.get("after", 0)) + 1)
        shown = [each for each in entries if each["seq"] >= begin]
        last = {key: entries[-1][key] for key in ("seq", "hash")}
        return Reply(json.dumps({"entries": shown, "next": None, "head": last}).encode())

    return answer


def head_of(entry: dict[str, Any]) -> str:
    return f"{entry['seq']}:{entry['hash']}"


@pytest.mark.parametrize("noted", [4, 6, 9])
def test_what_follows_a_noted_head_is_verified_though_what_is_before_it_is_gone(noted: int) -> None:
    entries = chain(9)
    with session(part(entries, 5)) as (here, _):
        report = audit.audit(here, audit.Wanted(), anchor=head_of(entries[noted - 1]))
    assert (report.verified, report.count, report.head) == (True, 9, entries[-1]["hash"])
    assert report.anchor == head_of(entries[noted - 1])


def test_without_a_noted_head_the_hint_names_the_option() -> None:
    with (
        session(part(chain(9), 5)) as (here, _),
        pytest.raises(AuditError, match="entry 1 should follow, and 5 does") as caught,
    ):
        audit.audit(here, audit.Wanted(), verify=True)
    assert caught.value.code is ExitCode.UNVERIFIED
    assert "--anchor SEQ:HASH" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("anchor", "told"),
    [
        ("4:" + "a" * 64, "entry 5: it does not follow"),
        ("9:" + "a" * 64, "it ends at entry 9"),
        ("3:{3}", "entry 4 should follow, and 5 does"),
        ("12:" + "a" * 64, "it ends at entry 9, before the anchor at 12"),
    ],
)
def test_an_anchor_that_is_not_of_this_chain_is_told(anchor: str, told: str) -> None:
    entries = chain(9)
    anchor = anchor.replace("{3}", entries[2]["hash"])
    with (
        session(part(entries, 5)) as (here, _),
        pytest.raises(AuditError, match=told) as caught,
    ):
        audit.audit(here, audit.Wanted(), anchor=anchor)
    assert caught.value.code is ExitCode.UNVERIFIED


def test_a_gap_after_the_anchor_is_nothing_that_was_moved_away() -> None:
    entries = chain(9)
    with (
        session(part(entries[:6] + entries[7:], 5)) as (here, _),
        pytest.raises(AuditError, match="entry 7 should follow") as caught,
    ):
        audit.audit(here, audit.Wanted(), anchor=head_of(entries[3]))
    assert "--anchor" not in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "4", "4:abc", ":" + "a" * 64, "x:" + "a" * 64])
def test_an_anchor_that_is_none_is_a_mistake_and_nobody_is_asked(text: str) -> None:
    with session(part(chain(2), 1)) as (here, server):
        with pytest.raises(ConfigError, match="--anchor: must be SEQ:HASH"):
            audit.audit(here, audit.Wanted(), anchor=text)
        assert not server.asked


def test_a_head_as_it_is_printed_is_found_again() -> None:
    entries = chain(5)
    with session(serve(entries)) as (here, _):
        assert audit.audit(here, audit.Wanted(), head=head_of(entries[2])).verified


# --- the job -----------------------------------------------------------------------------------

PROJECT = """
default_environment = "dev"
[environments.dev]
local = true
driver = "raw_exec"
[environments.production]
nomad = "https://nomad.example.com:4646"
driver = "docker"
"""


def settings(root: Path, environment: str) -> Settings:
    (root / "toolkit.toml").write_text(PROJECT)
    return load_settings(Flags(environment=environment), {}, root)


def render(root: Path, environment: str) -> Any:
    from toolkit.workflows.render import render_job

    return render_job(settings(root, environment), "kick")


def test_a_cluster_of_ones_own_needs_a_policy_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        render(tmp_path, "production")
    [mistake] = caught.value.mistakes
    assert mistake.where == "jobs/kick/kick.production.toml"
    assert "docs/kick.md" in (mistake.hint or "")
    with pytest.raises(ConfigError, match=r"kick\.production\.toml"):
        iam(settings(tmp_path, "production"))


def test_every_mistake_of_the_policy_is_told_before_a_deploy(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "kick").mkdir(parents=True)
    (tmp_path / "jobs/kick/kick.toml").write_text('cluster = "dev"\n[[zone]]\nnmae = "x"\n')
    with pytest.raises(ConfigError) as caught:
        render(tmp_path, "dev")
    assert {mistake.where for mistake in caught.value.mistakes} == {"jobs/kick/kick.toml"}
    assert any(mistake.line == 3 for mistake in caught.value.mistakes)


def test_a_projects_own_policy_is_the_one_that_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "kick").mkdir(parents=True)
    shipped = (Path(__file__).parents[2] / "jobs/kick/kick.toml").read_text()
    text = shipped.replace('cluster = "dev"', 'cluster = "mine-{{ x }}"')
    (tmp_path / "jobs/kick/kick.toml").write_text(text.replace("-{{ x }}", ""))
    assert 'cluster = "mine"' in render(tmp_path, "dev").hcl


def test_a_server_that_is_not_installed_is_told_with_what_to_install(tmp_path: Path) -> None:
    spec = render(tmp_path, "dev").spec
    KICK.check_installed(spec)
    with pytest.raises(ToolkitError, match="not installed in the Python") as caught:
        KICK.check_installed(spec, find=lambda name: None)
    assert "pip install toolkit-kick" in (caught.value.hint or "")


def test_a_policy_that_vanished_is_an_error_of_the_template(tmp_path: Path) -> None:
    from toolkit.config.project import load_project
    from toolkit.config.tree import builtin_tree
    from toolkit.render import render as run
    from toolkit.spec.tree import DictTree

    project = load_project(DictTree({"toolkit.toml": PROJECT.encode()}))
    assert project.root is None
    spec = render(tmp_path, "dev").spec
    files = {path: builtin_tree().read(path) for path in builtin_tree().paths("jobs/")}
    del files["jobs/kick/kick.toml"]
    with pytest.raises(RenderError, match=r"no file 'kick\.toml'"):
        run(DictTree(files), spec)
