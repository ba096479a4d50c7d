"""What git is told of a token, and what the configuration of a work tree is told of us."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import ConfigError, RefusedError
from toolkit.spec.target import Endpoint, Secret
from toolkit.workflows.repo.credential import LONGEST, Answer, credential
from toolkit.workflows.repo.worktree import configure, helper, remote_of
from toolkit.workflows.session import Session, open_session

TOKEN = "5f2c9a1e-1111-4222-8333-444455556666"
PROJECT = """
[environments.production]
nomad = "https://nomad.example.com:4646"
consul = "https://consul.example.com:8501"
hook = "https://hook.example.com:8655"
[environments.plain]
nomad = "http://10.0.0.1:4646"
consul = "http://10.0.0.1:8500"
hook = "http://10.0.0.1:8655"
"""
ASKED = "protocol=https\nhost=hook.example.com:8655\npath=shop.git\nwwwauth[]=Basic\n\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text(PROJECT)
    return tmp_path


def settings(root: Path, environment: str = "production", token: str = TOKEN) -> Settings:
    environ = {"NOMAD_TOKEN": token, "PATH": os.defpath, "HOME": str(root)}
    return load_settings(Flags(environment=environment), environ, root)


def answer(root: Path, question: str, *, operation: str = "get", token: str = TOKEN) -> Answer:
    def session() -> Session:
        return open_session(settings(root, token=token))

    return credential(session, operation, question)


# --- git's question ----------------------------------------------------------------------------


def test_the_server_of_the_environment_gets_the_token(root: Path) -> None:
    assert answer(root, ASKED).text == f"username=toolkit\npassword={TOKEN}\n"


@pytest.mark.parametrize(
    "question",
    [
        "",
        "\n" + ASKED,
        ASKED.replace("https", "http"),
        ASKED.replace(":8655", ""),
        ASKED.replace(":8655", ":8656"),
        ASKED.replace("hook.", "hook2."),
        ASKED.replace("hook.example.com", "HOOK.example.com"),
        ASKED.replace("host=", "host=evil.example.com/"),
        ASKED.replace("host=hook", "host=user@hook"),
        ASKED.replace("\n\n", "\nhost=evil.example.com\n\n"),
        ASKED.replace("host=", "Host="),
        ASKED.replace("hook.example.com:8655", "hook.example.com:8655 "),
        ASKED.replace("hook.example.com:8655", "hook.example.com:8655\r"),
        ASKED.replace("protocol=https", "url=https://hook.example.com:8655"),
        "x" * LONGEST + "\n" + ASKED,
    ],
)
def test_every_other_address_is_told_nothing(root: Path, question: str) -> None:
    told = answer(root, question)
    assert told.text == ""
    assert "no token was handed over" in told.note
    assert TOKEN not in repr(told)


@pytest.mark.parametrize("operation", ["store", "erase", "capability", "GET", ""])
def test_nothing_is_kept_forgotten_or_even_looked_for(operation: str) -> None:
    def never() -> Session:
        raise AssertionError("it was not asked for a token")

    assert credential(never, operation, ASKED) == Answer()


@pytest.mark.parametrize("token", ["", "a\nquit=1", "a\0b", "tokén"])
def test_what_is_no_token_is_no_answer(root: Path, token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        answer(root, ASKED, token=token)
    assert not token or token not in caught.value.message


# --- the work tree -----------------------------------------------------------------------------


@pytest.fixture
def tree(root: Path) -> Iterator[Path]:
    git(root, "init", "-q", "-b", "main")
    yield root


def git(folder: Path, *words: str) -> str:
    environ = {"PATH": os.defpath, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        ["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return ran.stdout


def endpoint(**more: str) -> Endpoint:
    server = Endpoint("Hook", "https://hook.example.com:8655", "t", token=Secret(TOKEN))
    return replace(server, **more)  # type: ignore[arg-type]


def test_git_asks_us_alone_and_goes_the_environments_way(tree: Path) -> None:
    way = {"proxy": "socks5h://127.0.0.1:1080", "ca_file": "/etc/ca.pem"}
    made = configure(tree, settings(tree), endpoint(**way), {})
    assert made is not None
    assert (made.folder, made.changed) == (str(tree), True)
    written = git(tree, "config", "--local", "--list")
    lines = [line for line in written.splitlines() if "hook.example.com" in line]
    base = "https://hook.example.com:8655"
    assert lines[0] == f"credential.{base}.helper="
    assert lines[1].endswith(" -P -m toolkit repo credential --env production")
    assert lines[2:] == [
        f"http.{base}.proxy=socks5h://127.0.0.1:1080", f"http.{base}.sslcainfo=/etc/ca.pem",
    ]  # fmt: skip
    assert TOKEN not in (tree / ".git/config").read_text()


def test_said_again_it_writes_nothing_and_what_changed_it_writes_anew(tree: Path) -> None:
    own = settings(tree)
    configure(tree, own, endpoint(), {})
    before = (tree / ".git/config").read_text()
    again = configure(tree, own, endpoint(), {})
    assert again is not None and not again.changed
    assert (tree / ".git/config").read_text() == before
    moved = configure(tree, own, endpoint(proxy="http://127.0.0.1:2"), {})
    assert moved is not None and moved.changed
    assert git(tree, "config", "--get-all", "http.https://hook.example.com:8655.proxy") == (
        "http://127.0.0.1:2\n"
    )


def test_outside_of_a_work_tree_nothing_is_written(root: Path) -> None:
    assert configure(root, settings(root), endpoint(), {}) is None
    assert list(root.iterdir()) == [root / "toolkit.toml"]


def test_a_project_below_the_top_is_gone_to(tree: Path) -> None:
    inner = tree / "it's here"
    inner.mkdir()
    (tree / "toolkit.toml").rename(inner / "toolkit.toml")
    said = helper(tree, settings(inner), {})
    assert said.startswith("!cd 'it'\"'\"'s here' && ")


def test_what_the_command_line_said_is_said_again(tree: Path) -> None:
    said = helper(tree, settings(tree, "plain"), {"environment": "plain", "namespace": "a b"})
    assert said.endswith("repo credential --env plain --namespace 'a b'")


def test_the_remote_of_an_address_is_known_by_its_name(tree: Path) -> None:
    url = "https://hook.example.com:8655/shop.git"
    assert remote_of(tree, settings(tree), url) is None
    git(tree, "remote", "add", "live", url)
    assert remote_of(tree, settings(tree), url) == "live"
    assert remote_of(tree, settings(tree), url + "x") is None


def test_git_itself_gets_its_answer_from_the_helper(tree: Path) -> None:
    """The line that git is told to run, run by git."""
    own = settings(tree)
    configure(tree, own, endpoint(), {})
    folder = tree / "deep" / "er"
    folder.mkdir(parents=True)
    environ = {
        "PATH": os.defpath, "HOME": str(tree), "NOMAD_TOKEN": TOKEN, "GIT_TERMINAL_PROMPT": "0",
    }  # fmt: skip
    asked = subprocess.run(
        ["git", "credential", "fill"],
        cwd=folder, env=environ, input=ASKED, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert f"password={TOKEN}\n" in asked.stdout, asked.stderr
    other = subprocess.run(
        ["git", "credential", "fill"],
        cwd=folder, env=environ, input=ASKED.replace("8655", "8656"),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert other.returncode != 0
    assert TOKEN not in other.stdout + other.stderr


# --- where the server is said to be ------------------------------------------------------------


def test_the_hook_servers_address_is_the_files_the_variables_or_consuls(root: Path) -> None:
    def said(environ: dict[str, str]) -> Endpoint:
        found = load_settings(Flags(environment="production"), environ, root).target.hook
        assert found is not None
        return found

    found = said({"NOMAD_TOKEN": TOKEN})
    assert (found.system, found.address, found.origin) == (
        "Hook", "https://hook.example.com:8655", "toolkit.toml:5",
    )  # fmt: skip
    assert found.token is not None
    with pytest.raises(ConfigError, match=r"HOOK_ADDR says http://10\.0\.0\.9:8655"):
        said({"HOOK_ADDR": "10.0.0.9"})
    (root / "toolkit.toml").write_text(PROJECT.replace("hook = ", "# "))
    assert (said({}).address, said({}).origin) == ("", "Consul")
    assert said({"HOOK_ADDR": "10.0.0.9"}).address == "http://10.0.0.9:8655"


def test_a_document_shows_no_token(root: Path) -> None:
    assert TOKEN not in json.dumps(repr(settings(root)))
