"""Which version a rollback goes to."""

from __future__ import annotations

import pytest

from toolkit.errors import RefusedError
from toolkit.spec.plan import LiveJob
from toolkit.workflows.rollback import choose


def version(number: int, release: str | None, *, stable: bool = True) -> LiveJob:
    return LiveJob(number, number, "service", release, False, stable, {}, {})


HISTORY = [
    version(5, "1.3.0"),
    version(4, "1.3.0"),  # scaled
    version(3, "1.2.0", stable=False),  # failed
    version(2, "1.1.0"),
    version(1, "1.0.0"),
    version(0, "1.0.0", stable=False),
]


@pytest.mark.parametrize(
    ("to", "number"),
    [
        (None, 2),
        ("1.0.0", 1),
        ("1.2.0", 3),  # named by a person: taken although it failed
        ("0", 0),
        ("4", 4),
        ("1.3.0", 5),
    ],
)
def test_the_version_that_is_meant(to: str | None, number: int) -> None:
    assert choose(HISTORY, to, "shop").version == number


def test_a_release_that_looks_like_a_version_is_a_release_first() -> None:
    history = [version(7, "12"), version(3, "2"), version(2, "3")]
    assert choose(history, "3", "shop").version == 2


def test_without_releases_the_last_stable_version() -> None:
    history = [version(3, None), version(2, None, stable=False), version(1, None)]
    assert choose(history, None, "shop").version == 1


@pytest.mark.parametrize(
    "history",
    [
        [version(0, "1.0.0")],
        [version(1, "1.0.0"), version(0, "1.0.0")],
        [version(1, "1.1.0"), version(0, "1.0.0", stable=False)],
        [version(0, None)],
    ],
)
def test_nothing_to_go_back_to(history: list[LiveJob]) -> None:
    with pytest.raises(RefusedError, match="no older stable version") as error:
        choose(history, None, "shop")
    assert "toolkit history shop" in str(error.value.hint)


@pytest.mark.parametrize("to", ["9", "2.0.0", "", "1.0", "²"])
def test_what_nomad_does_not_have_any_more(to: str) -> None:
    with pytest.raises(RefusedError) as error:
        choose(HISTORY, to, "shop")
    assert "5 (1.3.0)" in str(error.value.hint)
