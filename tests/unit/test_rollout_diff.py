"""Nomad's diff as lines: what is shown, and that no secret is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.diff import is_secret_key, lines
from toolkit.spec.plan import DiffLine


def field(name: str, old: str, new: str, kind: str = "Edited") -> dict[str, Any]:
    return {"Type": kind, "Name": name, "Old": old, "New": new}


def diff(*fields: dict[str, Any]) -> dict[str, Any]:
    """A job's diff with the fields in its task."""
    task = {"Type": "Edited", "Name": "app", "Fields": list(fields), "Objects": None}
    group = {"Type": "Edited", "Name": "web", "Fields": None, "Tasks": [task]}
    return {"Type": "Edited", "Fields": None, "Objects": None, "TaskGroups": [group]}


def test_each_change_has_its_path() -> None:
    made = diff(field("Env[A]", "1", "2"), field("Env[B]", "", "3", "Added"))
    made["Fields"] = [field("Meta[release]", "1.0.0", "1.1.0"), field("Priority", "50", "", "None")]
    made["TaskGroups"][0]["Fields"] = [field("Count", "2", "3")]
    made["TaskGroups"][0]["Objects"] = [
        {
            "Type": "Edited", "Name": "Service", "Fields": [field("PortLabel", "x", "", "Deleted")],
            "Objects": [{"Type": "Edited", "Name": "Check", "Fields": [field("Path", "/", "/h")]}],
        },
        {"Type": "None", "Name": "Network", "Fields": [field("MBits", "1", "2")]},
    ]  # fmt: skip
    assert lines(made) == (
        DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0"),
        DiffLine("group[web].Count", "Edited", "2", "3"),
        DiffLine("group[web].Service.PortLabel", "Deleted", "x", ""),
        DiffLine("group[web].Service.Check.Path", "Edited", "/", "/h"),
        DiffLine("group[web].task[app].Env[A]", "Edited", "1", "2"),
        DiffLine("group[web].task[app].Env[B]", "Added", "", "3"),
    )


def test_what_nomad_changes_by_itself_is_not_said() -> None:
    made = {"Type": "Edited", "Fields": [field("JobModifyIndex", "1", "2")], "TaskGroups": None}
    assert lines(made) == ()
    assert lines({"Type": "None", "TaskGroups": [{"Type": "None", "Name": "web"}]}) == ()


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "passwd", "API_KEY", "apikey", "AUTH", "client_secret", "GITHUB_TOKEN",
     "AWS_CREDENTIALS", "PRIVATE_KEY", "passphrase"],
)  # fmt: skip
def test_a_key_that_says_secret_hides_its_value(name: str) -> None:
    assert is_secret_key(name)
    [line] = lines(diff(field(f"Env[{name}]", "old value", "new value")))
    assert (line.old, line.new) == ("***", "***")
    [added] = lines(diff(field(f"Env[{name}]", "", "new value", "Added")))
    assert (added.old, added.new) == ("", "***")


@pytest.mark.parametrize("name", ["DB_URL", "RELEASE", "command", "KEYBOARD", "PATH"])
def test_other_keys_are_shown(name: str) -> None:
    assert not is_secret_key(name)
    [line] = lines(diff(field(f"Env[{name}]", "old value", "new value")))
    assert (line.old, line.new) == ("old value", "new value")


def test_a_known_value_is_hidden_wherever_it_is() -> None:
    [line] = lines(diff(field("Env[URL]", "db://u:tr0ub4dor@h", "same")), ["tr0ub4dor"])
    assert (line.old, line.new) == ("db://u:***@h", "same")


secrets = st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=4, max_size=30)


@given(before=st.text(max_size=20), secret=secrets, after=st.text(max_size=20))
def test_no_known_value_survives(before: str, secret: str, after: str) -> None:
    [line] = lines(diff(field("args[0]", before + secret + after, secret)), [secret])
    assert secret not in line.new
    assert secret not in line.old.replace("***", "")
