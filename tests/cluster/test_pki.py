"""Certificates: whose, for how long, and that others than us can check them."""

from __future__ import annotations

import itertools
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.memory_store import Killed, MemoryStore
from toolkit.cluster import pki
from toolkit.cluster.secrets import issue_certificates, make_secrets, next_authority_step
from toolkit.cluster.secrets.making import leaves
from toolkit.cluster.secrets.renewal import NEXT, NEXT_KEY, TRUSTED
from toolkit.errors import RefusedError
from toolkit.spec.target import Secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def authority() -> pki.Authority:
    return pki.make_authority("toolkit prod CA", pki.make_key(), NOW)


def openssl(*words: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *words], input=text, capture_output=True, text=True,
                          timeout=30)  # fmt: skip


def verify(folder: Path, ca: str, pem: str, *options: str) -> bool:
    (folder / "ca.pem").write_text(ca)
    (folder / "leaf.pem").write_text(pem)
    at = str(int((NOW + DAY).timestamp()))
    said = openssl("verify", "-x509_strict", "-attime", at, "-CAfile", folder / "ca.pem", *options,
                   folder / "leaf.pem")  # fmt: skip
    return said.returncode == 0


def test_openssl_trusts_what_was_issued_for_both_ends_and_by_each_name(
    tmp_path: Path, authority: pki.Authority
) -> None:
    names = ("server.global.nomad", "server-1.prod.internal", "localhost")
    pem = pki.issue(authority, pki.Leaf(names), NOW).reveal()
    for purpose in ("sslserver", "sslclient"):
        assert verify(tmp_path, authority.certificate, pem, "-purpose", purpose)
    for name in names:
        assert verify(tmp_path, authority.certificate, pem, "-verify_hostname", name)
    assert verify(tmp_path, authority.certificate, pem, "-verify_ip", "127.0.0.1")
    assert not verify(
        tmp_path, authority.certificate, pem, "-verify_hostname", "client.global.nomad"
    )


def test_openssl_does_not_trust_another_authority_of_the_same_name(
    tmp_path: Path, authority: pki.Authority
) -> None:
    other = pki.make_authority("toolkit prod CA", pki.make_key(), NOW)
    pem = pki.issue(other, pki.Leaf(("localhost",)), NOW).reveal()
    assert not verify(tmp_path, authority.certificate, pem)
    assert not pki.is_signed_by(authority.certificate, pem, NOW)
    both = pki.bundle(other.certificate, authority.certificate)
    assert verify(tmp_path, both, pem) and pki.is_signed_by(both, pem, NOW)


def test_a_leaf_signs_nobody(tmp_path: Path, authority: pki.Authority) -> None:
    pem = pki.issue(authority, pki.Leaf(("server.global.nomad",)), NOW)
    certificate, _, key = pem.reveal().partition("-----END CERTIFICATE-----\n")
    false = pki.Authority(certificate + "-----END CERTIFICATE-----\n", Secret(key))
    forged = pki.issue(false, pki.Leaf(("localhost",)), NOW).reveal()
    (tmp_path / "leaf-as-ca.pem").write_text(false.certificate)
    assert not verify(
        tmp_path, authority.certificate, forged, "-untrusted", str(tmp_path / "leaf-as-ca.pem")
    )


def test_certificate_and_key_of_one_text_belong_together(authority: pki.Authority) -> None:
    pem = pki.issue(authority, pki.Leaf(("localhost",)), NOW).reveal()
    public = openssl("x509", "-noout", "-pubkey", text=pem).stdout
    assert public and openssl("pkey", "-pubout", text=pem).stdout == public


def test_what_a_certificate_says(authority: pki.Authority) -> None:
    (said,) = pki.facts(pki.issue(authority, pki.Leaf(("a.example", "b.example")), NOW).reveal())
    assert said.subject == "CN=a.example" and said.issuer == "CN=toolkit prod CA"
    assert said.names == ("a.example", "b.example", "127.0.0.1")
    assert said.left(NOW) == 365 * DAY and not said.is_authority
    (said,) = pki.facts(authority.certificate)
    assert said.is_authority and said.left(NOW) == 3650 * DAY


def test_no_certificate_outlives_who_signed_it() -> None:
    short = pki.make_authority("CA", pki.make_key(), NOW, days=10)
    (said,) = pki.facts(pki.issue(short, pki.Leaf(("localhost",)), NOW).reveal())
    assert said.ends == pki.facts(short.certificate)[0].ends
    with pytest.raises(RefusedError, match="ended on 2026-12-03"):
        pki.issue(short, pki.Leaf(("localhost",)), NOW + 10 * DAY)


@pytest.mark.parametrize(("days", "due"), [(0, False), (243, False), (244, True), (400, True)])
def test_a_certificate_is_due_when_a_third_is_left(
    authority: pki.Authority, days: int, due: bool
) -> None:
    (said,) = pki.facts(pki.issue(authority, pki.Leaf(("localhost",)), NOW).reveal())
    assert said.is_due(NOW + days * DAY) is due


@pytest.mark.parametrize("after", [-2 * DAY, 366 * DAY])
def test_a_certificate_of_another_time_counts_as_signed_by_nobody(
    authority: pki.Authority, after: timedelta
) -> None:
    pem = pki.issue(authority, pki.Leaf(("localhost",)), NOW).reveal()
    assert pki.is_signed_by(authority.certificate, pem, NOW)
    assert not pki.is_signed_by(authority.certificate, pem, NOW + after)


def test_two_certificates_have_two_serials_and_two_keys(authority: pki.Authority) -> None:
    pems = [pki.issue(authority, pki.Leaf(("localhost",)), NOW).reveal() for _ in range(2)]
    assert len({pki.facts(pem)[0].serial for pem in pems}) == 2
    assert len({pem.partition("BEGIN PRIVATE KEY")[2] for pem in pems}) == 2


def test_a_bundle_has_each_once_in_order_and_no_key(authority: pki.Authority) -> None:
    other = pki.make_authority("next", pki.make_key(), NOW)
    pem = pki.issue(other, pki.Leaf(("localhost",)), NOW).reveal()
    both = pki.bundle(other.certificate, authority.certificate, other.certificate)
    assert both == other.certificate + authority.certificate
    assert "PRIVATE" in pem and "PRIVATE" not in pki.bundle(pem)


@pytest.mark.parametrize("text", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(RefusedError, match="cannot be read") as refused:
        pki.facts(text)
    assert refused.value.__cause__ is None and "AAAA" not in refused.value.message


@pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused_and_not_shown(authority: pki.Authority, key: str) -> None:
    with pytest.raises(RefusedError, match="key of the cluster's authority") as refused:
        pki.issue(pki.Authority(authority.certificate, Secret(key)), pki.Leaf(("x",)), NOW)
    assert "AAAA" not in str(refused.value)


def test_a_key_of_another_authority_signs_nothing(authority: pki.Authority) -> None:
    mixed = pki.Authority(authority.certificate, pki.make_key())
    with pytest.raises(RefusedError, match="do not belong together"):
        pki.issue(mixed, pki.Leaf(("localhost",)), NOW)


def test_no_repr_shows_a_key(authority: pki.Authority) -> None:
    assert "PRIVATE" not in repr(authority) + repr(pki.make_key())


# Renewal, and a new authority.


@pytest.fixture
def store() -> MemoryStore:
    own = MemoryStore()
    make_secrets(own, machines.cluster(), NOW)
    return own


def test_the_names_that_the_agents_check_are_in_the_certificates(store: MemoryStore) -> None:
    cluster = machines.cluster()
    hosts = {f"server-{number}.prod.internal" for number in (1, 2, 3)}
    names = {name: set(pki.facts(store.values[name].reveal())[0].names) for name in leaves(cluster)}
    assert {"server.dc1.consul", "localhost", "127.0.0.1", *hosts} == names["server/tls/consul"]
    assert {"server.global.nomad", "localhost", "127.0.0.1", *hosts} == names["server/tls/nomad"]
    assert names["worker/tls/nomad"] == {"client.global.nomad", "localhost", "127.0.0.1"}


def test_fresh_certificates_are_not_renewed_and_old_ones_are(store: MemoryStore) -> None:
    cluster = machines.cluster()
    assert issue_certificates(store, cluster, NOW + DAY) == ()
    later = NOW + 300 * DAY
    assert set(issue_certificates(store, cluster, later)) == set(leaves(cluster))
    assert issue_certificates(store, cluster, later) == ()


def test_certificates_follow_the_names_of_the_cluster_file(store: MemoryStore) -> None:
    changed = machines.cluster(private_domain="other.internal")
    assert issue_certificates(store, changed, NOW) == ("server/tls/consul", "server/tls/nomad")


def trusts(store: MemoryStore, now: datetime) -> bool:
    """Whether every machine that reads the store now is trusted by every other that does."""
    pems = [store.values[name].reveal() for name in leaves(machines.cluster())]
    return all(
        pki.is_signed_by(store.values[ca].reveal(), pem, now) for ca in TRUSTED for pem in pems
    )


def test_a_new_authority_takes_over_in_three_steps_that_overlap(store: MemoryStore) -> None:
    cluster, old = machines.cluster(), store.copy()
    steps, seen = [], [old]
    for _ in range(3):
        steps.append(next_authority_step(store, cluster, NOW + DAY))
        seen.append(store.copy())
    assert steps == ["trust", "certify", "distrust"]
    # A machine that has followed one step meets machines that have followed the one before.
    for before, after in itertools.pairwise(seen):
        for ca_of, leaf_of in ((before, after), (after, before)):
            for ca in TRUSTED:
                for name in leaves(cluster):
                    pem = leaf_of.values[name].reveal()
                    assert pki.is_signed_by(ca_of.values[ca].reveal(), pem, NOW + DAY), (ca, name)
    assert store.values["ca/cert"].reveal() != old.values["ca/cert"].reveal()
    assert store.values["ca/key"].reveal() != old.values["ca/key"].reveal()
    assert {NEXT, NEXT_KEY}.isdisjoint(store.values)
    # In the end nobody trusts the old one.
    for ca in TRUSTED:
        assert store.values[ca].reveal() == store.values["ca/cert"].reveal()
    assert issue_certificates(store, cluster, NOW + DAY) == ()


@pytest.mark.parametrize("after", [False, True])
def test_a_change_of_authority_that_is_killed_at_any_write_goes_on(
    store: MemoryStore, after: bool
) -> None:
    cluster, now = machines.cluster(), NOW + DAY
    old = store.values["ca/cert"].reveal()
    whole = store.copy()
    for _ in range(3):
        next_authority_step(whole, cluster, now)
    for kill_at in range(len(whole.writes)):
        killed = store.copy()
        killed.kill_at, killed.after = kill_at, after
        with pytest.raises(Killed):
            for _ in range(3):
                next_authority_step(killed, cluster, now)
        again = killed.copy()
        assert trusts(again, now), kill_at
        for _ in range(3):
            if not {NEXT, NEXT_KEY} & set(again.values) and again.values["ca/cert"].reveal() != old:
                break
            next_authority_step(again, cluster, now)
            assert trusts(again, now), kill_at
        assert {NEXT, NEXT_KEY}.isdisjoint(again.values)
        assert again.values["ca/cert"].reveal() != old
        assert issue_certificates(again, cluster, now) == ()


def test_certificates_are_not_renewed_by_who_is_about_to_go(store: MemoryStore) -> None:
    next_authority_step(store, machines.cluster(), NOW)
    with pytest.raises(RefusedError, match="is being replaced"):
        issue_certificates(store, machines.cluster(), NOW)
