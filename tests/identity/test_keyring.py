"""Nomad's keys: read once, again when there is a reason, and never in the rhythm of forgers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.scripted import Reply
from tests.identity.mint import claims, edwards_key, jwk, rsa_key, token
from tests.identity.nomad_server import DOWN, NO_LEADER, Lab
from toolkit.errors import ApiError, IdentityError, ServerError, UnreachableError
from toolkit.identity.limits import Limits

JWKS = "/.well-known/jwks.json"
NEW = "9d1f7a3c-0000-4c6b-9d0e-0123456789ab"


def ask(lab: Lab, text: str | None = None) -> str:
    """The job that is let in, or the reason for which none is."""
    try:
        return str(lab.verifier.verify(f"Bearer {text or token()}"))
    except IdentityError as error:
        return error.reason


def test_keys_are_read_once(lab: Lab) -> None:
    assert [ask(lab), ask(lab), ask(lab)] == ["default/web"] * 3
    assert lab.calls.count(JWKS) == 1


def test_nobody_is_let_in_before_the_keys_were_read(lab: Lab) -> None:
    lab.state.keys = DOWN
    for _ in range(3):
        with pytest.raises(ServerError, match="EOF"):
            ask(lab)
        lab.later(2)

    lab.state.keys = [jwk()]
    assert ask(lab) == "default/web"


def test_a_nomad_that_is_not_there_lets_nobody_in(lab: Lab) -> None:
    lab.server.__exit__()
    try:
        with pytest.raises(UnreachableError, match="cannot be reached"):
            ask(lab)
        connections = lab.connections
        for _ in range(20):
            with pytest.raises(UnreachableError, match="cannot be reached"):
                ask(lab)
        # It is left alone for a moment: nobody waits for it twenty times.
        assert lab.connections == connections
    finally:
        lab.server.__enter__()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>"),
        Reply(b"[]"),
        Reply(b'{"keys": null}'),
        Reply(b'{"keys": [1]}'),
        Reply(b'{"keys": {"kty": "RSA"}}'),
        Reply(b"{}"),
        Reply(b'{"keys": [', promised=200),
        Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}),
        NO_LEADER,
    ],
    ids=("page", "list", "null", "numbers", "table", "nothing", "cut", "redirect", "no leader"),
)
def test_what_are_no_keys_lets_nobody_in(lab: Lab, reply: Reply) -> None:
    lab.state.keys = reply

    with pytest.raises(ApiError):
        ask(lab)


def test_no_keys_at_all_verify_nothing(lab: Lab) -> None:
    lab.state.keys = []

    assert ask(lab) == "unknown-key"


def test_nomads_new_key_is_found_by_its_first_token(lab: Lab) -> None:
    new = token(rsa_key(2048, 1), header={"kid": NEW})
    assert ask(lab) == "default/web"
    lab.state.keys = [jwk(), jwk(rsa_key(2048, 1), kid=NEW)]
    assert ask(lab, new) == "unknown-key"

    lab.later(5.1)

    assert ask(lab, new) == "default/web"
    assert ask(lab) == "default/web"


def test_a_key_that_nomad_removed_is_refused_within_minutes(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.state.keys = [jwk(edwards_key(), kid="other")]
    lab.later(299)
    assert ask(lab) == "default/web"

    lab.later(2)

    assert ask(lab) == "unknown-key"


def test_forged_keys_cost_one_call_in_five_seconds(lab: Lab) -> None:
    for number in range(500):
        forged = token(header={"kid": f"{number:08d}-0000-4c6b-9d0e-0123456789ab"})
        assert ask(lab, forged) == "unknown-key"
        lab.later(0.1)

    # 50 seconds: the first reading, and one each five seconds.
    assert lab.calls.count(JWKS) <= 1 + 50 / 5


def test_keys_of_impossible_ids_cost_no_call(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.later(60)
    assert lab.calls.count(JWKS) == 1

    for id_ in ("", "../jwks", "a b", "k" * 129, "ключ"):
        assert ask(lab, token(header={"kid": id_})) == "unknown-key"

    assert lab.calls == []


def test_without_nomad_the_keys_are_good_for_a_while(lab: Lab) -> None:
    lab = Lab(lab.server, lab.state, Limits(keys_stale=3600))
    text = token(said=claims(exp=claims()["exp"] + 10_000))
    assert ask(lab, text) == "default/web"
    lab.state.keys = DOWN
    for _ in range(10):
        lab.later(360)
        assert ask(lab, text) == "default/web"

    lab.later(2)

    with pytest.raises(ServerError):
        ask(lab, text)
    lab.later(2)
    lab.state.keys = [jwk()]
    assert ask(lab, text) == "default/web"
    lab.verifier.close()


def test_keys_are_never_believed_longer_than_is_said(lab: Lab) -> None:
    lab = Lab(lab.server, lab.state, Limits(keys_stale=0, alive_stale=0))
    assert ask(lab) == "default/web"
    lab.state.keys = DOWN
    lab.later(1)

    with pytest.raises(ServerError):
        ask(lab)
    lab.verifier.close()


def test_an_unknown_key_is_not_called_unknown_when_nomad_cannot_say(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.later(6)
    lab.state.keys = DOWN

    with pytest.raises(ServerError):
        ask(lab, token(rsa_key(2048, 1), header={"kid": NEW}))


def test_many_first_requests_read_the_keys_once(lab: Lab) -> None:
    everybody = threading.Barrier(8)

    def first() -> str:
        everybody.wait()
        return ask(lab)

    with ThreadPoolExecutor(8) as pool:
        found = [work.result() for work in [pool.submit(first) for _ in range(8)]]

    assert found == ["default/web"] * 8
    assert lab.calls.count(JWKS) == 1


def test_nobody_waits_for_a_reading_that_only_freshens(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.later(301)
    reading, go_on = threading.Event(), threading.Event()

    def slow(asked: object) -> None:
        if JWKS in str(asked):
            reading.set()
            assert go_on.wait(30)

    lab.state.before = slow
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(ask, lab)
        assert reading.wait(30)
        assert ask(lab) == "default/web"
        assert not reader.done()
        go_on.set()
        assert reader.result() == "default/web"
