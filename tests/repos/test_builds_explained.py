"""What is said of a task that did not get its code or its build."""

from __future__ import annotations

import pytest

from toolkit.clients.task_texts import ARTIFACT, find

FAILED = 'failed to download artifact "{}": getter subprocess failed: bad response code: {}'
CODE = "https://hook.example/shop/archive/" + "4" * 40 + ".tar.gz"
BUILD = "https://hook.example/shop/builds/" + "a" * 64 + ".tar.gz"


@pytest.mark.parametrize(
    ("address", "status", "what", "advice"),
    [
        (CODE, 403, "the hook server grants its job no right", "[[policy.workload]]"),
        (BUILD, 403, "the hook server grants its job no right", "[[policy.workload]]"),
        (CODE, 401, "the hook server does not know who asks", "lib.code(code)"),
        (CODE, 404, "it is not there", ""),
        (CODE, 503, "its server failed", ""),
        ("https://files.example/archive/app.tar.gz", 403, "its server did not let us in", ""),
    ],
)
def test_a_status_of_the_hook_server_is_told_with_what_to_do(
    address: str, status: int, what: str, advice: str
) -> None:
    found = find(ARTIFACT, FAILED.format(address, status))
    assert found is not None
    assert found.what.startswith(what)
    assert advice in found.advice
