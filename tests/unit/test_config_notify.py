"""`[notify]` of toolkit.toml: what is wrong with it, and whose word it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.config.notify import resolve
from toolkit.config.project import load_project
from toolkit.config.settings import Flags, load_settings
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.notify import Notify
from toolkit.spec.tree import DictTree

DEV = '[environments.dev]\nnomad = "http://127.0.0.1:1"\nconsul = "http://127.0.0.1:1"\n'


def mistakes(text: str) -> list[Mistake]:
    with pytest.raises(ConfigError) as error:
        load_project(DictTree({"toolkit.toml": text.encode()}, name="here"))
    return list(error.value.mistakes)


@pytest.mark.parametrize(
    ("text", "key", "line", "message"),
    [
        ("[notify]", "notify", 1, "neither a command nor a webhook"),
        ("notify = 1", "notify", 1, "must be a table"),
        ('[notify]\ncommand = "./tell"', "notify.command", 2, "array of strings"),
        ("[notify]\ncommand = []", "notify.command", 2, "must not be empty"),
        ('[notify]\nwebhook = "ftp://x"', "notify.webhook", 2, "http:// or https://"),
        ('[notify]\nwebhook = "https://u:p@x"', "notify.webhook", 2, "user or a password"),
        ('[notify]\nwebhook = "https://a b"', "notify.webhook", 2, "http:// or https://"),
        ('[notify]\nwebhook = "https://[x"', "notify.webhook", 2, "http:// or https://"),
        (
            '[notify]\nwebhook = "https://x"\nwebhook_env = "W"',
            "notify.webhook_env", 3, "a webhook already",
        ),
        ('[notify]\nwebhook_env = "https://x"', "notify.webhook_env", 2, "never the value"),
        (
            '[notify]\ncommand = ["x"]\ntoken_env = "T"',
            "notify.token_env", 3, "there is none",
        ),
        (
            '[notify]\nwebhook = "http://chat.example.com"\ntoken_env = "T"',
            "notify.token_env", 3, "without TLS",
        ),
        ('[notify]\ncommand = ["x"]\non = ["faild"]', "notify.on", 3, '"faild" is no verdict'),
        (
            '[notify]\ncommand = ["x"]\nenvironments = ["prod"]',
            "notify.environments", 3, 'no environment "prod"',
        ),
        ('[notify]\ncommand = ["x"]\ntimeout = "1h"', "notify.timeout", 3, "at most 300 s"),
        ('[notify]\ncommand = ["x"]\ntoken = "s3cret"', "notify.token", 3, "looks like a secret"),
    ],
)  # fmt: skip
def test_what_is_wrong(text: str, key: str, line: int, message: str) -> None:
    [found] = mistakes(text)
    assert (found.key, found.line) == (key, line)
    assert message in found.message
    assert "s3cret" not in f"{found}"


def test_every_mistake_at_once() -> None:
    text = '[notify]\nwebhook = "x"\ntoken_env = "a-b"\non = ["lost", "found"]\ntimeout = 5'
    assert len(mistakes(text)) == 5


def settings_of(folder: Path, text: str, **environ: str) -> Notify | None:
    (folder / "toolkit.toml").write_text(text + "\n" + DEV)
    flags = Flags(environment="dev")
    return load_settings(flags, {"HOME": str(folder), **environ}, folder).notify


def test_a_command_gets_the_environment_without_our_tokens(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path, '[notify]\ncommand = ["./tell", "me"]\non = ["failed"]\ntimeout = "3s"',
        NOMAD_TOKEN="n", CONSUL_HTTP_TOKEN="c", TOOLKIT_TRAEFIK_PASSWORD="t", CHAT="room",
    )  # fmt: skip
    assert found is not None
    assert (found.command, found.on, found.timeout) == (("./tell", "me"), ("failed",), 3.0)
    assert found.folder == tmp_path
    assert found.environment == {"HOME": str(tmp_path), "CHAT": "room"}
    assert "room" not in repr(found)


def test_by_itself_all_that_ended_is_told(tmp_path: Path) -> None:
    found = settings_of(tmp_path, '[notify]\ncommand = ["./tell"]')
    assert found is not None
    assert {"deployed", "reverted", "failed", "completed"} <= set(found.on)
    assert not {"unchanged", "submitted"} & set(found.on)
    assert found.timeout == 10.0


def test_an_environment_that_is_not_named_is_quiet(tmp_path: Path) -> None:
    text = '[notify]\ncommand = ["./tell"]\nenvironments = ["WHERE"]\n[environments.production]\n'
    assert settings_of(tmp_path, text.replace("WHERE", "production")) is None
    assert settings_of(tmp_path, text.replace("WHERE", "dev")) is not None


def test_secrets_come_from_the_environment_and_never_show(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path, '[notify]\nwebhook_env = "HOOK"\ntoken_env = "HOOK_TOKEN"',
        HOOK="https://chat.example.com/s3cret", HOOK_TOKEN="hunter2",
    )  # fmt: skip
    assert found is not None and found.webhook is not None and found.token is not None
    assert found.webhook.reveal() == "https://chat.example.com/s3cret"
    assert found.token.reveal() == "hunter2"
    assert "s3cret" not in repr(found) and "hunter2" not in repr(found)


def test_what_is_not_set_is_named_and_stops_no_command(tmp_path: Path) -> None:
    found = settings_of(tmp_path, '[notify]\nwebhook_env = "HOOK"\ntoken_env = "HOOK_TOKEN"')
    assert found is not None
    assert (found.webhook, found.missing) == (None, ("HOOK", "HOOK_TOKEN"))


@pytest.mark.parametrize("address", ["ftp://x", "http://chat.example.com", "https://u:p@x", "s3"])
def test_a_bad_address_in_a_variable_is_not_shown(tmp_path: Path, address: str) -> None:
    text = '[notify]\nwebhook_env = "HOOK"\ntoken_env = "T"'
    found = settings_of(tmp_path, text, HOOK=address, T="t")
    assert found is not None and found.webhook is None
    assert found.missing == ("HOOK as an address with https://",)


def test_a_pushed_tree_has_no_say(tmp_path: Path) -> None:
    """A commit that names a command must not get it run where it is deployed from."""
    text = '[notify]\ncommand = ["./steal"]\n'
    project = load_project(DictTree({"toolkit.toml": text.encode()}, name="a1b2c3"))
    assert project.file.notify
    assert resolve(project.file.notify, project.root, "dev", {"PATH": "/bin"}) is None
    assert resolve(project.file.notify, tmp_path, "dev", {"PATH": "/bin"}) is not None
