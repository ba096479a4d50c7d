"""People: Nomad says who they are, asked with their token and with nobody else's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.faults.scripted import Reply
from tests.identity.mint import Json
from tests.identity.nomad_server import DOWN, NO_LEADER, Lab
from toolkit.errors import ApiError, IdentityError, ServerError
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import REASONS
from toolkit.spec.identity import Person

SECRET = "0f6f3a1c-55f2-4bd0-8d4f-7a3d9f8e7c6b"
ACCESSOR = "b1a2c3d4-0000-4bd0-8d4f-7a3d9f8e7c6b"
SELF, POLICIES = "/v1/acl/token/self", "/v1/acl/policies"


def described(**changes: Any) -> Json:
    """A token as Nomad describes it to its holder."""
    return {
        "AccessorID": ACCESSOR, "SecretID": SECRET, "Name": "ann", "Type": "client",
        "Policies": ["deploy"], "Roles": None, "Global": False, **changes,
    }  # fmt: skip


def guess(number: int) -> str:
    """A secret that nobody has."""
    return str(UUID(int=number))


def ask(lab: Lab, secret: str = SECRET, source: str = "") -> Person | str:
    """The person who is let in, or the reason for which nobody is."""
    try:
        found = lab.verifier.verify(None, nomad_token=secret, source=source)
    except IdentityError as error:
        assert error.reason in REASONS
        assert secret not in error.message + (error.hint or "")
        return error.reason
    assert isinstance(found, Person)
    return found


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (Reply(b"ACL token not found", 403), "unknown-token"),
        (Reply(b"ACL token not found", 404), "unknown-token"),
        (Reply(b"ACL token expired", 403), "unknown-token"),
        (Reply(b"ACL token expired", 500), "unknown-token"),
        (Reply(b"Permission denied", 403), "unknown-token"),
        (described(AccessorID="anonymous", SecretID="", Name="Anonymous Token"), "anonymous"),
        (
            described(AccessorID="acls-disabled", SecretID="", Type="management"),
            "acls-disabled",
        ),
        # About another token than the one that was sent: a cache, a proxy, whatever it is.
        (described(SecretID="e0f4e8f5-55f2-4bd0-8d4f-7a3d9f8e7c6b"), "unknown-token"),
        (described(SecretID="", Type="management"), "unknown-token"),
        (described(AccessorID=""), "unknown-token"),
        (described(AccessorID=None), "unknown-token"),
        (described(AccessorID="leader"), "unknown-token"),
    ],
)
def test_a_token_of_nobodys_lets_nobody_in(lab: Lab, token: Json | Reply, reason: str) -> None:
    lab.state.tokens[SECRET] = token

    assert ask(lab) == reason


def test_a_person_is_who_nomad_says(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described()

    assert ask(lab) == Person(ACCESSOR, "ann", frozenset({"deploy"}))
    assert lab.calls == [SELF]


def test_a_manager_is_told_by_the_type(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described(Type="management", Policies=None, Name="")

    found = ask(lab)

    assert isinstance(found, Person)
    assert (found.management, found.policies, str(found)) == (True, frozenset(), "token b1a2c3d4")


def test_policies_of_roles_count_as_well(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described(Roles=[{"ID": "1", "Name": "dns"}, {"Name": "ops"}])
    lab.state.policies[SECRET] = ["deploy", "zones"]

    found = ask(lab)

    assert isinstance(found, Person)
    assert found.roles == {"dns", "ops"}
    assert found.policies == {"deploy", "zones"}


def test_what_is_no_name_is_no_right(lab: Lab) -> None:
    roles = [{"ID": "1"}, {"Name": None}, {"Name": ""}, "ops", {"Name": ["dns"]}]
    lab.state.tokens[SECRET] = described(Roles=roles, Policies=[None, "", 7, "deploy"])
    lab.state.policies[SECRET] = Reply(b'[{"Name": null}, {"ID": "zones"}, {"Name": 1}]')

    found = ask(lab)

    assert isinstance(found, Person)
    assert found.policies == {"deploy"}
    assert not found.roles


def test_a_token_revoked_between_two_calls_is_nobodys(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described(Roles=[{"Name": "dns"}])
    lab.state.policies[SECRET] = Reply(b"ACL token not found", 403)

    assert ask(lab) == "unknown-token"


@pytest.mark.parametrize(
    "reply",
    [DOWN, NO_LEADER, Reply(b"[]"), Reply(b"<html>"), Reply(b"{", promised=9)],
    ids=("down", "no leader", "list", "page", "cut"),
)
def test_no_answer_is_no_leave(lab: Lab, reply: Reply) -> None:
    lab.state.tokens[SECRET] = reply

    with pytest.raises(ApiError):
        ask(lab)


AT_THE_SOCKET = Reply(b"Server error authenticating request", 500)


def test_an_expired_token_is_no_failure_of_nomads(lab: Lab) -> None:
    """A task's socket says the same of it as of servers without a leader: the keys tell which."""
    lab.state.tokens[SECRET] = AT_THE_SOCKET
    lab.state.tokens[guess(1)] = described(SecretID=guess(1))

    assert ask(lab) == "unknown-token"
    # It must not keep others out.
    assert isinstance(ask(lab, guess(1)), Person)


def test_a_socket_without_nomad_behind_it_knows_nobody(lab: Lab) -> None:
    lab.state.tokens[SECRET] = AT_THE_SOCKET
    lab.state.keys = NO_LEADER

    with pytest.raises(ServerError, match="leader"):
        ask(lab)


def test_a_revoked_token_is_refused_after_ten_seconds(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described()
    assert isinstance(ask(lab), Person)
    lab.state.tokens.clear()
    lab.later(9.9)
    assert isinstance(ask(lab), Person)
    assert lab.calls == [SELF]

    lab.later(0.2)

    assert ask(lab) == "unknown-token"


def test_without_nomad_nobody_is_believed_longer(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described()
    assert isinstance(ask(lab), Person)
    lab.state.tokens[SECRET] = DOWN
    lab.later(10.1)

    with pytest.raises(ServerError):
        ask(lab)


def test_a_token_that_was_made_just_now_is_seen_within_two_seconds(lab: Lab) -> None:
    assert ask(lab) == "unknown-token"
    lab.state.tokens[SECRET] = described()
    assert ask(lab) == "unknown-token"
    assert lab.calls == [SELF]

    lab.later(2.1)

    assert isinstance(ask(lab), Person)


def test_guesses_from_one_place_reach_nomad_ten_times(lab: Lab) -> None:
    found = [ask(lab, guess(number), "192.0.2.1") for number in range(500)]

    assert found == ["unknown-token"] * 10 + ["too-many"] * 490
    assert len(lab.calls) == 10
    lab.state.tokens[SECRET] = described()
    # Others are not stopped by it, and it may try again, once a second.
    assert isinstance(ask(lab, source="192.0.2.2"), Person)
    lab.later(1.01)
    again = [ask(lab, guess(number), "192.0.2.1") for number in range(1000, 1003)]
    assert again == ["unknown-token", "too-many", "too-many"]


def test_guesses_from_everywhere_reach_nomad_only_so_often(lab: Lab) -> None:
    lab = Lab(lab.server, lab.state, Limits(failures_in_all=12))
    lab.state.tokens[SECRET] = described()
    assert isinstance(ask(lab, source="192.0.2.2"), Person)
    assert lab.calls == [SELF]

    found = [ask(lab, guess(number), f"198.51.100.{number}") for number in range(200)]

    assert found == ["unknown-token"] * 12 + ["too-many"] * 188
    assert len(lab.calls) == 12
    # Who was let in before is looked up again even then.
    lab.later(10.1)
    for number in range(500, 600):
        ask(lab, guess(number), f"203.0.113.{number}")
    assert isinstance(ask(lab, source="203.0.113.7"), Person)
    # No more is saved up than there was.
    assert len(lab.calls) == 12 + 1
    lab.verifier.close()


def test_what_is_known_costs_no_attempt(lab: Lab) -> None:
    for number in range(12):
        lab.state.tokens[guess(number)] = described(SecretID=guess(number))
        assert isinstance(ask(lab, guess(number), "192.0.2.1"), Person)


def test_attempts_that_nomad_did_not_answer_are_none(lab: Lab) -> None:
    lab.state.tokens[SECRET] = DOWN
    for _ in range(30):
        with pytest.raises(ServerError):
            ask(lab, source="192.0.2.1")
        lab.later(0.01)
    lab.state.tokens[SECRET] = described()
    lab.later(1.1)

    assert isinstance(ask(lab, source="192.0.2.1"), Person)


def test_a_nomad_that_is_down_is_asked_once_a_second(lab: Lab) -> None:
    lab.state.tokens[SECRET] = NO_LEADER
    for _ in range(30):
        with pytest.raises(ServerError, match="leader"):
            ask(lab)
        lab.later(0.1)

    # Three seconds; each time as often as any read is tried.
    assert len(lab.calls) <= 4 * 4


def test_only_the_callers_own_token_is_sent(lab: Lab) -> None:
    lab.state.tokens[SECRET] = described(Roles=[{"Name": "dns"}])
    sent: list[str | None] = []
    lab.state.before = lambda asked: sent.append(asked.headers.get("X-Nomad-Token"))

    assert isinstance(ask(lab), Person)

    assert sent == [SECRET, SECRET]
