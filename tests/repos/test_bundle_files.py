"""What a version of hooks may hold, and what it is called."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ConfigError
from toolkit.repos.bundle_files import (
    MOST_BYTES,
    MOST_FILES,
    checked,
    digest_of,
    entries_of,
    from_json,
    hooks_in,
    to_json,
)
from toolkit.spec.bundle import HOOKS, IDLE, RUN, HookFile, HookSet, HookVersion

SCRIPT = b"#!/bin/sh\nexit 0\n"
HOOK = HookFile("post-receive", SCRIPT)


def wrong_with(*files: HookFile) -> str:
    with pytest.raises(ConfigError) as caught:
        checked(files)
    return caught.value.message


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/cron.d/x",
        "../x",
        "lib/../../x",
        "lib/./x",
        "lib//x",
        "lib/",
        "-x/y",
        "lib/-rf",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "a;b/c",
        "$(id)/c",
        " a/b",
        "a /b",
        "lib/ü",
        "\u202egnp.exe",
        ".git/hooks/post-receive",
        "lib/.git/x",
        "a/b/c/d/e/f/g/h/i",
        "lib/" + "x" * 200,
    ],
)
def test_a_path_that_could_mean_something_else_is_refused(path: str) -> None:
    said = wrong_with(HOOK, HookFile(path, b"x"))
    assert said.isprintable()


def test_every_mistake_is_said_at_once() -> None:
    said = wrong_with(
        HookFile("post-recieve", SCRIPT),
        HookFile("pre-receive", b"exit 1\n"),
        HookFile("update", b"#!/bin/sh\r\nexit 0\r\n"),
        HookFile("post-update", b" \n"),
        HookFile("lib", b"x"),
        HookFile("lib/a", b"x"),
    )
    assert "post-recieve: is no hook of git (is post-receive meant?" in said
    assert "pre-receive: is neither executable nor does it begin with #!" in said
    assert "update: its lines end as on Windows" in said
    assert "post-update: is empty" in said
    assert "lib/a: lib is a file" in said


@pytest.mark.parametrize("name", ["post-receive.sample", "pre-receive.sh", "post_receive"])
def test_what_is_almost_a_hook_is_asked_about(name: str) -> None:
    assert "is no hook of git" in wrong_with(HOOK, HookFile(name, SCRIPT))


def test_a_version_without_a_hook_is_none() -> None:
    assert "none of them is named like a hook of git" in wrong_with(HookFile("lib/a", b"x"))
    assert "none of them" in wrong_with()


def test_two_files_of_one_path_are_refused() -> None:
    assert "the same path" in wrong_with(HOOK, HookFile("post-receive", b"#!/bin/sh\nexit 1\n"))


def test_so_many_files_and_bytes_and_no_more() -> None:
    more = [HookFile(f"lib/{number}", b"") for number in range(MOST_FILES - 1)]
    assert len(checked([HOOK, *more])) == MOST_FILES
    assert f"{MOST_FILES} are the most" in wrong_with(HOOK, *more, HookFile("lib/more", b""))
    room = MOST_BYTES - len(SCRIPT)
    assert checked([HOOK, HookFile("lib/a", bytes(room))])
    assert f"{MOST_BYTES} are the most" in wrong_with(HOOK, HookFile("lib/a", bytes(room + 1)))


def test_what_hooks_need_lies_beside_them() -> None:
    found = checked([HookFile("lib/notify.sh", b"echo"), HookFile("README.md", b"read me"), HOOK])
    assert [each.path for each in found] == ["README.md", "lib/notify.sh", "post-receive"]
    assert hooks_in(found) == ("post-receive",)


def test_a_script_that_says_its_interpreter_is_executable_wherever_it_came_from() -> None:
    with_bit = checked([HookFile("post-receive", SCRIPT, True)])
    without = checked([HookFile("post-receive", SCRIPT, False)])
    assert without[0].executable
    assert digest_of(with_bit) == digest_of(without)


def test_a_digest_names_paths_modes_and_contents() -> None:
    base = digest_of(checked([HOOK, HookFile("lib/a", b"x")]))
    others = {
        digest_of(checked([HOOK, HookFile("lib/b", b"x")])),
        digest_of(checked([HOOK, HookFile("lib/a", b"y")])),
        digest_of(checked([HOOK, HookFile("lib/a", b"x", True)])),
        digest_of(checked([HOOK])),
    }
    assert len(others | {base}) == 5
    assert base == digest_of(checked([HookFile("lib/a", b"x"), HOOK]))


_FILES = st.dictionaries(
    st.from_regex(r"lib/[a-z0-9]{1,8}", fullmatch=True), st.tuples(st.binary(), st.booleans())
)


@given(_FILES)
def test_files_come_back_as_they_went(said: dict[str, tuple[bytes, bool]]) -> None:
    files = checked([HOOK, *(HookFile(path, *each) for path, each in said.items())])
    back = checked(from_json(json.loads(json.dumps(to_json(files)))))
    assert back == files
    assert digest_of(back) == digest_of(files)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["files", "path", "data", "executable"]), inner)
    ),
)


@given(_JSON)
def test_any_other_document_is_refused_in_words(document: object) -> None:
    try:
        checked(from_json(document))
    except ConfigError as exc:
        assert exc.mistakes
    else:
        raise AssertionError("nothing there is a whole version")


@pytest.mark.parametrize(
    "each",
    [
        {"path": "post-receive", "executable": True, "data": "***"},
        {"path": "post-receive", "executable": 1, "data": ""},
        {"path": "post-receive", "executable": True, "data": "", "link": "/etc/passwd"},
        {"path": "post-receive", "executable": True},
    ],
)
def test_a_file_is_a_path_a_bit_and_base64(each: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        from_json({"files": [each]})


def test_git_has_seventeen_hooks_and_four_of_them_run_on_a_server() -> None:
    assert len(HOOKS) == 17
    assert not set(RUN) & set(IDLE)
    version = HookVersion("a" * 64, 0.0, "ann", hooks_in([*(HookFile(n, b"") for n in HOOKS)]))
    assert HookSet("shop", version.digest, versions=(version,)).active == RUN


def test_an_entry_says_size_and_digest() -> None:
    (entry,) = entries_of([HOOK])
    assert (entry.path, entry.size) == ("post-receive", len(SCRIPT))
    assert len(entry.sha256) == 64
