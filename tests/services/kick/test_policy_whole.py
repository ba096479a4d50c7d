"""No request outside the policy causes a call to a provider: the whole server, all but Nomad."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dns.kicks import KICK, MANAGER, NOBODY, OPERATOR, SHOP, WEB, WILD, config, workload
from tests.dns.matcher import allowed, below
from tests.services.kick.rig import Rig, make_rig, open_kick
from toolkit.clients.dns.provider import Provider
from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone
from toolkit.spec.identity import Caller

LOCAL = config(
    "\n".join(
        'provider = "local"' if line.startswith("provider") else line
        for line in KICK.splitlines()
        if not line.startswith("id = ")
    ).replace("most = 3", "most = 9999")
)
CALLERS: dict[str, Caller] = {
    f"a.a.{number}": caller
    for number, caller in enumerate(
        [SHOP, WEB, WILD, workload("shop-admin"), workload("shop", "other"), workload("web")]
    )
} | {
    f"00000000-0000-0000-0000-00000000000{number}": caller
    for number, caller in enumerate([OPERATOR, MANAGER, NOBODY])
}


class Watched:
    """A provider that remembers what it was told to do."""

    def __init__(self, inner: Provider):
        self._inner = inner
        self.changes: list[tuple[Zone, Change]] = []

    def records(self, zone: Zone) -> Iterator[Record]:
        return self._inner.records(zone)

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        return self._inner.at(zone, names)

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        self.changes += [(zone, change) for change in changes]
        return self._inner.apply(zone, changes, comment=comment)

    def state(self, change: str) -> ChangeState:
        return self._inner.state(change)

    @property
    def most_changes(self) -> int:
        return self._inner.most_changes

    def close(self) -> None:
        self._inner.close()


@pytest.fixture(scope="module")
def watched(
    portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Rig, Watched]]:
    data = tmp_path_factory.mktemp("kick")
    with make_server(portal, data) as made:
        yield made


@contextlib.contextmanager
def make_server(portal: BlockingPortal, data: Path) -> Iterator[tuple[Rig, Watched]]:
    with (
        make_rig(portal, data, config=LOCAL, callers=CALLERS, opened=False) as rig,
        contextlib.ExitStack() as stack,
    ):
        provider = Watched(rig.files)
        open_kick(rig.kick, data, {"local": provider}, stack)
        yield rig, provider


PARTS = st.sampled_from(["shop", "evilshop", "a", "*", "_toolkit", "_wildcard", "_http", "\\052"])
TOPS = st.sampled_from(
    ["shop.apps.example.com", "shop.apps.internal", "wild.apps.example.com", "apps.example.com",
     "example.com", "example.co.uk", "evilexample.com", "_toolkit.shop.apps.example.com"]
)  # fmt: skip
DRESS = st.sampled_from(
    [str, str, str.upper, lambda name: f"{name}.", lambda name: name.replace("s", "\\163"),
     lambda name: name.replace("a", "ａ"), lambda name: name.replace(".", "。"),
     lambda name: f"{name}\0", lambda name: name.replace(".", "\\056")]
)  # fmt: skip
NAMES = st.builds(
    lambda parts, top, dress: dress(".".join([*parts, top])),
    st.lists(PARTS, max_size=2),
    TOPS,
    DRESS,
)
VALUES = {
    "A": ["203.0.113.7", "203.0.113.8", "10.1.0.7", "8.8.8.8", "169.254.169.254", "127.0.0.1"],
    "AAAA": ["2001:db8::7", "2001:db9::7", "::1", "::ffff:203.0.113.7", "fd00:ec2::254"],
    "CNAME": ["other.example.com", "lb.elb.amazonaws.com", "evil.example", "x.apps.internal"],
    "SRV": ["1 1 80 n.apps.internal", "1 1 80 evil.example"],
    "TXT": ["hello", "heritage=toolkit,cluster=prod,kind=people,types=A"],
    "NS": ["ns.evil.example"],
    "MX": ["10 mail.evil.example"],
}
WISHES = st.sampled_from(["A", "A", *VALUES]).flatmap(
    lambda type_: st.tuples(
        st.just(type_), st.lists(st.sampled_from(VALUES[type_]), min_size=1, max_size=2)
    )
)
TOKENS = st.sampled_from([*CALLERS, "", "a.a.unknown"])
METHODS = st.sampled_from(["POST", "PUT", "DELETE"])
ZONES = st.sampled_from([None, "public", "private"])
Ask = tuple[str, str, str, tuple[str, list[str]], str | None]
"""Token, method, name, type and values, zone."""
_OPERATOR, _MANAGER = [*CALLERS][6:8]
GRANTED = st.builds(
    lambda method, row, value: (row[0], method, row[1], (row[2], [value(VALUES[row[2]])]), row[3]),
    METHODS,
    st.sampled_from(
        [
            ("a.a.0", "shop.apps.example.com", "A", "public"),
            ("a.a.0", "a.shop.apps.example.com", "AAAA", "public"),
            ("a.a.0", "_http.shop.apps.internal", "SRV", "private"),
            ("a.a.1", "_http.example.co.uk", "TXT", "public"),
            ("a.a.2", "*.wild.apps.example.com", "A", "public"),
            (_OPERATOR, "a.apps.example.com", "CNAME", "public"),
            (_MANAGER, "example.com", "A", "public"),
            (_MANAGER, "*.example.com", "A", "public"),
        ]
    ),
    st.sampled_from([lambda values: values[0], lambda values: values[0], lambda v: v[-1]]),
)
"""What a rule grants, but for some of the targets."""


def changed_in_one(ask: Ask, part: int, other: Ask) -> Ask:
    """With one of its parts taken from another request."""
    return (*ask[:part], other[part], *ask[part + 1 :])  # type: ignore[return-value]


ANY = st.tuples(TOKENS, METHODS, NAMES, WISHES, ZONES)
ASKS = GRANTED | st.builds(changed_in_one, GRANTED, st.integers(0, 4), ANY) | ANY


def is_ours(zone: Zone, record: Record) -> bool:
    """The targets of kick.toml, one sentence a line."""
    public = zone.visibility == "public"
    for value in record.values:
        if record.type in ("A", "AAAA"):
            networks = ("203.0.113.0/24", "2001:db8::/32") if public else ("10.1.0.0/16",)
            if not any(ip_address(value) in ip_network(network) for network in networks):
                return False
        if record.type in ("CNAME", "SRV"):
            tops = ["example.com", "example.co.uk", "elb.amazonaws.com"]
            tops += [] if public else ["apps.internal"]
            name = value.split(" ")[-1]
            if not any(name == top or below(name, top) for top in tops):
                return False
    return True


def test_no_request_outside_the_policy_causes_a_call_of_a_provider(
    watched: tuple[Rig, Watched],
) -> None:
    rig, provider = watched
    policy = LOCAL.policy
    outcomes: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, deadline=None)
    @given(ASKS)
    def ask(asked: Ask) -> None:
        token, method, name, (type_, values), zone = asked
        body: dict[str, object] = {"type": type_, "values": values}
        if method == "POST":
            body["hostname"] = name
        path = "/records" if method == "POST" else f"/record/{quote(name, safe='')}"
        if zone is not None and method == "DELETE":
            path += f"?zone={zone}"
        elif zone is not None:
            body["zone"] = zone
        who = {"Authorization": f"Bearer {token}"} if token else {}
        provider.changes.clear()
        answer = rig.ask(method, path, who, None if method == "DELETE" else body)
        assert answer.status_code < 500, answer.text
        changed = [
            (where, change)
            for where, change in provider.changes
            if not change.record.name.startswith("_toolkit.")
        ]
        outcomes["refused" if answer.status_code >= 400 else "changed" if changed else "same"] += 1
        assert not (answer.status_code >= 400 and provider.changes)
        # Owner records never come alone, and only beside what was asked for.
        owned = {change.record.name for _, change in provider.changes} - {
            change.record.name for _, change in changed
        }
        beside = {
            f"_toolkit._wildcard{change.record.name[1:]}"
            if change.record.name.startswith("*")
            else f"_toolkit.{change.record.name}"
            for _, change in changed
        }
        assert owned == beside
        for where, change in changed:
            record = change.record
            assert allowed(policy, CALLERS[token], where, record.name, record.type)
            assert is_ours(where, record)

    ask()
    assert outcomes["changed"] > 10
    assert outcomes["refused"] > 50
