"""Errors become a message, a hint and an exit code in one place."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from toolkit.cli.lazy import interruption
from toolkit.cli.main import bug, report, run
from toolkit.cli.world import World
from toolkit.errors import (
    ConfigError,
    ExitCode,
    InterruptedRolloutError,
    Mistake,
    RefusedError,
    ToolkitError,
    UnreachableError,
)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Interrupting(io.StringIO):
    """Standard input at which somebody presses Ctrl-C."""

    def read(self, size: int | None = -1) -> str:
        raise KeyboardInterrupt


@dataclass
class Said:
    code: int
    out: str
    err: str


def call(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdin: io.StringIO | None = None,
) -> Said:
    out, err = io.StringIO(), io.StringIO()
    world = World(arguments, environ or {}, stdin or io.StringIO(), out, err, folder)
    code = run(world)
    return Said(code, out.getvalue(), err.getvalue())


def told(error: ToolkitError, *arguments: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    code = report(World(arguments, {}, io.StringIO(), out, err), error)
    return Said(code, out.getvalue(), err.getvalue())


def remote(folder: Path) -> Path:
    (folder / "toolkit.toml").write_text(
        '[environments.test]\nnomad = "http://127.0.0.1:9"\nconsul = "http://127.0.0.1:9"\n'
    )
    return folder


def test_an_unexpected_exception_is_one_line_and_70(tmp_path: Path) -> None:
    broken = cast("Mapping[str, str]", BrokenMapping())
    said = call(remote(tmp_path), "status", environ=broken)
    assert said.code == 70
    assert "a bug in toolkit: ZeroDivisionError" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


class BrokenMapping(dict[str, str]):
    """An environment that fails in a way nobody planned for."""

    def __bool__(self) -> bool:
        return True

    def get(self, key: str, *_: Any) -> Any:
        return 1 // 0 if key.startswith("NOMAD") else None


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    broken = cast("Mapping[str, str]", BrokenMapping())
    said = call(remote(tmp_path), "status", "--debug", environ=broken)
    assert said.code == 70
    assert "Traceback" in said.err
    assert "1 // 0" in said.err


def test_a_bug_without_words_still_names_itself() -> None:
    assert bug(KeyError()).message == "a bug in toolkit: KeyError"


def test_ctrl_c_is_130_and_says_so(tmp_path: Path) -> None:
    said = call(remote(tmp_path), "secret", "set", "web", "key", stdin=Interrupting())
    assert said.code == 130
    assert said.err == "error: interrupted\n"


@pytest.mark.parametrize(
    ("command", "stages", "words"),
    [
        ("deploy", {"target", "plan"}, "before Nomad confirmed a submit"),
        ("deploy", {"plan", "submit"}, "goes on with the rollout of web"),
        ("attach", set[str](), "goes on with the rollout of web"),
        ("status", set[str](), "interrupted"),
        ("stop", {"target", "submit"}, "web is stopped in Nomad"),
        ("restart", {"target", "step"}, "no other is touched"),
        ("abort", {"target", "fail"}, "is aborted, and Nomad ends it"),
        ("promote", {"target", "gate"}, "goes on with the rollout of web"),
        ("repo log", set[str](), "the hook server goes on"),
    ],
)
def test_an_interruption_says_what_goes_on(command: str, stages: set[str], words: str) -> None:
    error = interruption(command, "web", stages)
    assert words in error.message
    assert error.code is ExitCode.INTERRUPTED


def test_a_known_error_keeps_its_code_and_says_its_hint_after_a_blank_line() -> None:
    said = told(InterruptedRolloutError("it did not work", hint="try again"))
    assert said.code == 130
    assert said.err == "error: it did not work\n\nhint: try again\n"
    assert said.out == ""


def test_every_mistake_has_its_own_line() -> None:
    mistakes = [
        Mistake("toolkit.toml", "stack.job", 3, "unknown key", 'did you mean "jobs"?'),
        Mistake("--var", None, None, "needs KEY=VALUE"),
    ]
    assert told(ConfigError(mistakes)).err == (
        "error: 2 mistakes\n"
        '  toolkit.toml:3: stack.job: unknown key (did you mean "jobs"?)\n'
        "  --var: needs KEY=VALUE\n"
    )


def test_with_json_the_error_is_a_document_on_stdout() -> None:
    error = UnreachableError("nothing answers", system="Nomad", hint="toolkit dev up")
    said = told(error, "status", "--json")
    assert said.code == 1
    assert said.err == ""
    assert json.loads(said.out) == {
        "schema": "toolkit.error/1",
        "verdict": "refused",
        "code": 1,
        "error": {
            "kind": "UnreachableError",
            "message": "nothing answers",
            "hint": "toolkit dev up",
            "code": 1,
            "mistakes": [],
        },
    }


def test_json_after_two_dashes_is_no_option() -> None:
    assert told(RefusedError("no"), "render", "--", "--json").out == ""


def test_foreign_text_in_an_error_cannot_steer_the_terminal() -> None:
    said = told(RefusedError("job \x1b[2Jweb\r\x07 \u202eevil", hint="a\x9bb"))
    assert said.err == "error: job \\x1b[2Jweb\n  \\x07 \\u202eevil\n\nhint: a\\x9bb\n"


def test_a_wrong_command_line_is_typers_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "depoly").code == 2
    said = capsys.readouterr().err
    assert "No such command 'depoly'" in said
    assert "deploy" in said.split("Did you mean")[1]


def test_a_typo_in_an_option_is_answered_with_near_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "deploy", "web", "--relase", "1").code == 2
    assert "--release" in capsys.readouterr().err


def test_with_json_a_wrong_command_line_is_a_document_too(tmp_path: Path) -> None:
    said = call(tmp_path, "deploy", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == 2


@pytest.mark.parametrize("line", ["bump web", "bump web 1.1.0 --minor", "bump web --minor --major"])
def test_bump_wants_exactly_one_next_release(tmp_path: Path, line: str) -> None:
    said = call(remote(tmp_path), *line.split())
    assert said.code == 2
    assert "--patch" in said.err


def test_a_duration_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(remote(tmp_path), "deploy", "web", "--timeout", "soon").code == 2
    said = capsys.readouterr().err
    assert "--timeout" in said
    assert "'soon' is not a duration" in said


def test_no_project_here(tmp_path: Path) -> None:
    said = call(tmp_path, "deploy", "web")
    assert said.code == 1
    assert "toolkit init" in said.err


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); sys.argv = ['toolkit', 'status'];"
    script += "from toolkit.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-P", "-c", script], cwd=gone, capture_output=True)
    assert done.returncode == 1
    assert b"the current folder does not exist any more" in done.stderr


def test_nobody_listens(tmp_path: Path) -> None:
    said = call(remote(tmp_path), "status", "-e", "test")
    assert said.code == 1
    assert "127.0.0.1:9" in said.err
    assert "a bug" not in said.err
