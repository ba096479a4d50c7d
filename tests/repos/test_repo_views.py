"""What is said of deployments in a line: in lists, and what to type next."""

from __future__ import annotations

import pytest

from toolkit.spec.deployment import Deployment, Kind
from toolkit.views.repo.parts import summary
from toolkit.workflows.repo.looking import next_of

FOUND = Deployment(9, "shop", "c" * 40, None, "ann", "")


@pytest.mark.parametrize(
    ("kind", "of", "said"),
    [
        ("push", None, "deployed in 3.0 s"),
        ("redeploy", 4, "redeploy of 4; deployed in 3.0 s"),
        ("rollback", 4, "rollback to 4; deployed in 3.0 s"),
    ],
)
def test_where_the_commit_came_from(kind: Kind, of: int | None, said: str) -> None:
    found = Deployment(9, "shop", "c" * 40, None, "ann", "", kind, of, sentence="deployed in 3.0 s")
    assert summary(found)[-1] == said


def test_what_lacks_a_token_is_resumed_next() -> None:
    lacking = Deployment(9, "shop", "c" * 40, None, "ann", "", state="needs-token")
    assert next_of(lacking) == "toolkit repo resume shop 9"
    assert next_of(FOUND) == "toolkit repo log shop 9"
