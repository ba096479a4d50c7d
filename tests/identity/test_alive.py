"""A token outlives its allocation, and means nothing then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.scripted import Reply
from tests.identity.mint import ALLOCATION, claims, token
from tests.identity.nomad_server import DOWN, Lab, allocation
from toolkit.errors import DeniedError, IdentityError, ServerError

PATH = f"/v1/allocation/{ALLOCATION}"


def ask(lab: Lab, **said: Any) -> str:
    """The job that is let in, or the reason for which none is."""
    try:
        return str(lab.verifier.verify(f"Bearer {token(said=claims(**said))}"))
    except IdentityError as error:
        return error.reason


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"ClientStatus": "complete"}, "dead-allocation"),
        ({"ClientStatus": "failed"}, "dead-allocation"),
        ({"ClientStatus": "lost"}, "dead-allocation"),
        ({"Namespace": "prod"}, "foreign-allocation"),
        ({"JobID": "web-admin"}, "foreign-allocation"),
        ({"JobID": "we"}, "foreign-allocation"),
        ({"JobID": "WEB"}, "foreign-allocation"),
        ({"JobID": ""}, "foreign-allocation"),
        ({"Namespace": None}, "foreign-allocation"),
        # A child's tokens name its parent; so a token that names the child is not Nomad's.
        ({"Job": {"ParentID": "bank"}}, "foreign-allocation"),
        ({"JobID": "web/dispatch-1700000000-0a1b2c3d"}, "foreign-allocation"),
    ],
)
def test_an_allocation_that_is_not_the_tokens_own_proves_nothing(
    lab: Lab, found: dict[str, Any], reason: str
) -> None:
    lab.state.allocations[ALLOCATION] = allocation(**found)

    assert ask(lab) == reason


def test_an_allocation_that_is_not_there_proves_nothing(lab: Lab) -> None:
    lab.state.allocations.clear()

    assert ask(lab) == "dead-allocation"


@pytest.mark.parametrize(
    "found",
    [
        {"ClientStatus": "running"},
        {"ClientStatus": "pending"},
        # The node may come back, and with it the task, which never stopped.
        {"ClientStatus": "unknown"},
        # Told to stop: it may still take its records back.
        {"DesiredStatus": "stop"},
        {"JobID": "web/dispatch-1700000000-0a1b2c3d", "Job": {"ParentID": "web"}},
        {"JobID": "web/periodic-1700000000", "Job": {"ParentID": "web"}},
        {"Job": None},
    ],
)
def test_an_allocation_that_lives_proves_its_job(lab: Lab, found: dict[str, Any]) -> None:
    lab.state.allocations[ALLOCATION] = allocation(**found)

    assert ask(lab) == "default/web"


def test_another_namespace_is_told_by_the_allocation_too(lab: Lab) -> None:
    lab.state.allocations[ALLOCATION] = allocation(Namespace="prod")

    assert ask(lab, nomad_namespace="prod") == "prod/web"
    assert ask(lab, nomad_namespace="default") == "foreign-allocation"


def test_what_was_seen_is_believed_for_five_seconds(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.state.allocations[ALLOCATION] = allocation(ClientStatus="complete")
    lab.later(4.9)
    assert ask(lab) == "default/web"
    assert lab.calls.count(PATH) == 1

    lab.later(0.2)

    assert ask(lab) == "dead-allocation"


def test_without_nomad_the_last_word_counts_for_five_minutes(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    lab.state.allocations[ALLOCATION] = DOWN
    for _ in range(6):
        lab.later(49.9)
        assert ask(lab) == "default/web"

    lab.later(3)

    with pytest.raises(ServerError):
        ask(lab)


def test_without_nomad_a_dead_one_stays_dead(lab: Lab) -> None:
    lab.state.allocations[ALLOCATION] = allocation(ClientStatus="failed")
    assert ask(lab) == "dead-allocation"
    lab.state.allocations[ALLOCATION] = DOWN
    lab.later(60)

    assert ask(lab) == "dead-allocation"


def test_an_unknown_one_is_not_let_in_without_nomad(lab: Lab) -> None:
    lab.state.allocations[ALLOCATION] = DOWN

    with pytest.raises(ServerError):
        ask(lab)


def test_our_own_token_is_no_fault_of_the_callers(lab: Lab) -> None:
    lab.state.allocations[ALLOCATION] = Reply(b"Permission denied", 403)

    with pytest.raises(DeniedError, match="Permission denied"):
        ask(lab)


def test_a_token_is_looked_at_before_its_allocation(lab: Lab) -> None:
    assert ask(lab, aud="hook") == "audience"
    assert ask(lab, nomad_allocation_id="../agent/self") == "claims"
    assert ask(lab, exp=1) == "expired"

    assert PATH not in lab.calls


def test_a_token_of_ours_that_was_renewed_is_taken_up(lab: Lab) -> None:
    assert ask(lab) == "default/web"
    connections = lab.connections
    lab.later(6)
    refusals = [Reply(b"Permission denied", 403)]

    def renewed(asked: object) -> None:
        # The connection of before has the old token, and a new one the new.
        old = bool(refusals) and PATH in str(asked)
        lab.state.allocations[ALLOCATION] = refusals.pop() if old else allocation()

    lab.state.before = renewed

    assert ask(lab) == "default/web"
    assert lab.connections == connections + 1
