"""`[identity.NAME]` of a job file: what it means, and every mistake in it with its key and line."""

from __future__ import annotations

import pytest

from tests.unit.job_files import DEV, PLAIN, load, mistakes
from toolkit.spec.jobspec import Identity


def said(text: str, **how: object) -> list[tuple[str | None, int | None, str]]:
    return [(m.key, m.line, m.message) for m in mistakes(text, **how)]


def test_a_name_and_an_audience_are_enough() -> None:
    assert load('[identity.kick]\naudience = ["kick"]\n').identities == (
        Identity("kick", ("kick",), 3600.0, file=True, env=False),
    )


def test_everything_can_be_said() -> None:
    text = """\
[identity.z]
audience = ["b", "a"]
ttl = "90s"
file = false
env = true
[identity.kick-2]
audience = ["kick"]
"""
    assert load(text).identities == (
        Identity("kick-2", ("kick",)),
        Identity("z", ("b", "a"), 90.0, file=False, env=True),
    )


def test_a_job_without_it_gets_no_token() -> None:
    assert load("").identities == ()
    assert load("[identity]\n").identities == ()


@pytest.mark.parametrize("kind", ["service", "system", "batch", "sysbatch"])
def test_every_kind_of_job_may_have_one(kind: str) -> None:
    text = f'kind = "{kind}"\n[identity.kick]\naudience = ["kick"]\n'
    assert [each.name for each in load(text).identities] == ["kick"]


def test_one_environment_may_say_it_otherwise() -> None:
    text = """\
[identity.kick]
audience = ["kick"]
[env.dev.identity.kick]
ttl = "2m"
"""
    assert load(text, target=DEV).identities == (Identity("kick", ("kick",), 120.0),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("identity = 1\n", ("identity", 1, "must be a table, not an integer")),
        ('identity = "kick"\n', ("identity", 1, "must be a table, not a string")),
        ('[identity]\nkick = "kick"\n', ("identity.kick", 2, "must be a table, not a string")),
        ("[identity.kick]\n", ("identity.kick", 1, "has no audience")),
        ('[identity.kick]\nttl = "1h"\n', ("identity.kick", 1, "has no audience")),
        ("[identity.kick]\naudience = []\n", ("identity.kick.audience", 2, "must not be empty")),
        (
            '[identity.kick]\naudience = [""]\n',
            ("identity.kick.audience", 2, "must not be empty"),
        ),
        (
            '[identity.kick]\naudience = "kick"\n',
            ("identity.kick.audience", 2, "must be an array of strings"),
        ),
        (
            '[identity.kick]\naudience = ["kick", "kick"]\n',
            ("identity.kick.audience", 2, "names one twice"),
        ),
        (
            '[identity.kick]\naudience = ["kick"]\nttl = 0\n',
            ("identity.kick.ttl", 3, None),
        ),
        (
            '[identity.kick]\naudience = ["kick"]\nttl = "59s"\n',
            ("identity.kick.ttl", 3, "must be at least 60 s"),
        ),
        (
            '[identity.kick]\naudience = ["kick"]\nfile = false\n',
            ("identity.kick.file", 3, "the token would not get to the task"),
        ),
        (
            '[identity.kick]\naudience = ["kick"]\nenv = "yes"\n',
            ("identity.kick.env", 3, "must be true or false, not a string"),
        ),
        (
            '[identity.default]\naudience = ["kick"]\n',
            ("identity.default", 1, "is Nomad's own for every task"),
        ),
        (
            '[identity."../kick"]\naudience = ["kick"]\n',
            ('identity."../kick"', 1, "is no name here: takes letters, digits, _ and -"),
        ),
        (
            '[identity.kick]\naudiences = ["kick"]\naudience = ["kick"]\n',
            ("identity.kick.audiences", 2, "unknown key"),
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_key_and_line(
    text: str, found: tuple[str, int, str | None]
) -> None:
    (mistake,) = said(text)
    assert mistake[:2] == found[:2]
    assert found[2] is None or mistake[2] == found[2]


def test_every_mistake_at_once() -> None:
    text = """\
[identity.a]
[identity.b]
audience = []
ttl = "1s"
[identity.default]
audience = ["kick"]
"""
    assert [key for key, _, _ in said(text)] == [
        "identity.b.ttl", "identity.a", "identity.b.audience", "identity.default",
    ]  # fmt: skip


def test_a_plain_job_says_it_itself() -> None:
    files = {"jobs/web/job.nomad.hcl": PLAIN}
    found = said('[identity.kick]\naudience = ["kick"]\n', files=files)
    assert [(key, "plain job file" in message) for key, _, message in found] == [("identity", True)]
