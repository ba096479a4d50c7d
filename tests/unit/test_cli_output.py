"""stdout is data, stderr is talk; readers that go away, questions, colour."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.cli.output import Output
from toolkit.cli.world import World
from toolkit.errors import NeedsAnswerError
from toolkit.spec.chain import InstanceChain
from toolkit.spec.events import Event
from toolkit.views.text import neutral, neutral_block, neutral_json

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no defect of the text."""

TOOLKIT = [sys.executable, "-m", "toolkit"]


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def world(
    *,
    stdin: io.StringIO | None = None,
    stdout: io.StringIO | None = None,
    stderr: io.StringIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> World:
    return World(
        (),
        environ or {"TERM": "xterm"},
        stdin or io.StringIO(),
        stdout or io.StringIO(),
        stderr or io.StringIO(),
    )


def chain(node: str = "node-1") -> InstanceChain:
    return InstanceChain("0a1f3c52-9c3e", node, "web", "running", "passing", "up", "1.1.0")


def event(text: str, *instances: InstanceChain) -> Event:
    return Event("canary", text, 0.0, instances)


def text_of(stream: object) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_a_question_without_a_terminal_is_refused() -> None:
    output = Output(world(stdin=io.StringIO("y\n")))
    with pytest.raises(NeedsAnswerError) as caught:
        output.confirm("stop web?", yes=False)
    assert "--yes" in (caught.value.hint or "")


def test_a_question_with_one_end_piped_is_refused() -> None:
    output = Output(world(stdin=Terminal("y\n")))
    with pytest.raises(NeedsAnswerError):
        output.confirm("stop web?", yes=False)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_a_question_on_a_terminal_wants_a_clear_yes(typed: str, answer: bool) -> None:
    here = world(stdin=Terminal(typed), stderr=Terminal())
    assert Output(here).confirm("stop web?", yes=False) is answer
    assert text_of(here.stderr) == "stop web? [y/N] "


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("shop\n", True), (" shop \n", True), ("y\n", False), ("Shop\n", False), ("", False)],
)
def test_what_would_be_lost_is_typed_by_its_name(typed: str, answer: bool) -> None:
    here = world(stdin=Terminal(typed), stderr=Terminal())
    assert Output(here).confirm_name("delete shop", "shop", yes=False) is answer
    assert text_of(here.stderr) == "delete shop? Type its name to do so: "


def test_a_name_is_typed_on_a_terminal_or_yes_is_said() -> None:
    with pytest.raises(NeedsAnswerError):
        Output(world(stdin=io.StringIO("shop\n"))).confirm_name("delete shop", "shop", yes=False)
    assert Output(world()).confirm_name("delete shop", "shop", yes=True)


def test_yes_answers_everywhere_and_says_so() -> None:
    here = world()
    assert Output(here).confirm("stop web?", yes=True)
    assert text_of(here.stderr) == "stop web? yes (--yes)\n"


def test_a_secret_from_a_pipe_loses_one_newline_only() -> None:
    assert Output(world(stdin=io.StringIO("a b\n\n"))).secret("value: ") == "a b\n"


def test_talk_goes_to_stderr_and_data_to_stdout() -> None:
    here = world()
    output = Output(here)
    output.event(event("0a1f3c52 node-1  running"))
    output.show(["deployed  web 1.1.0"])
    assert text_of(here.stderr) == "canary    0a1f3c52 node-1  running\n"
    assert text_of(here.stdout) == "deployed  web 1.1.0\n"


def test_quiet_says_nothing_but_the_result() -> None:
    here = world()
    output = Output(here, quiet=True)
    output.event(event("hello", chain()))
    output.talk("hello")
    output.show(["deployed  web 1.1.0"])
    assert text_of(here.stderr) == ""
    assert text_of(here.stdout) == "deployed  web 1.1.0\n"


def test_a_talk_that_nobody_reads_does_not_stop_the_work() -> None:
    here = world(stderr=Gone())
    output = Output(here)
    output.event(event("one"))
    output.event(event("two"))
    output.show(["deployed  web 1.1.0"])
    assert text_of(here.stdout) == "deployed  web 1.1.0\n"
    assert not output.reader_gone


def test_a_stream_learns_that_its_reader_is_gone() -> None:
    output = Output(world(stdout=Gone()))
    output.raw("line\n")
    assert output.reader_gone


def test_colour_is_for_terminals_and_marks_the_word_only() -> None:
    here = world(stdout=Terminal())
    Output(here).show(["reverted  web 1.2.0 did not take", "  cause   crash"])
    assert text_of(here.stdout) == (
        "\x1b[33mreverted\x1b[0m  web 1.2.0 did not take\n  cause   crash\n"
    )


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environ: Mapping[str, str]) -> None:
    here = world(stdout=Terminal(), stderr=Terminal(), environ=environ)
    output = Output(here)
    output.show(["reverted  web"])
    output.event(event("hello", chain()))
    output.close()
    assert text_of(here.stdout) == "reverted  web\n"
    assert "\x1b[3" not in text_of(here.stderr)


def test_no_color_that_is_empty_is_not_set() -> None:
    here = world(stdout=Terminal(), environ={"NO_COLOR": "", "TERM": "xterm"})
    Output(here).show(["failed  web"])
    assert "\x1b[31mfailed" in text_of(here.stdout)


def test_on_a_terminal_the_instances_stay_below_the_lines() -> None:
    here = world(stderr=Terminal())
    output = Output(here)
    output.event(event("first", chain("node-1\x1b[2J")))
    output.event(event("second", chain("node-2")))
    output.close()
    said = text_of(here.stderr)
    assert said.index("first") < said.index("0a1f3c52") < said.index("second")
    assert "node-2" in said
    assert "\x1b[2J" not in said


def test_a_question_takes_the_table_away_first() -> None:
    here = world(stdin=Terminal("y\n"), stderr=Terminal())
    output = Output(here)
    output.event(event("first", chain()))
    assert output.confirm("go on?", yes=False)
    assert text_of(here.stderr).endswith("go on? [y/N] ")


def test_data_for_a_terminal_is_neutralised_and_for_a_pipe_untouched() -> None:
    text = "a\x1b]0;title\x07\n\tb\r\n"
    pipe, terminal = world(), world(stdout=Terminal())
    Output(pipe).raw(text)
    Output(terminal).raw(text)
    assert text_of(pipe.stdout) == text
    assert text_of(terminal.stdout) == "a\\x1b]0;title\\x07\n\tb\\x0d\n"


@patient
@given(st.text())
def test_a_neutral_line_is_one_line_without_controls(text: str) -> None:
    line = neutral(text)
    assert "\n" not in line
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in line)
    assert len(line.splitlines()) <= 1


@patient
@given(st.text())
def test_a_neutral_block_keeps_its_newlines(text: str) -> None:
    assert neutral_block(text).count("\n") == text.count("\n")


@patient
@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_neutral_json_says_the_same(value: object) -> None:
    text = neutral_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not any(0x7F <= ord(c) < 0xA0 for c in text)


def test_without_a_terminal_no_table_is_imported() -> None:
    script = """
import io, sys
from toolkit.cli.output import Output
from toolkit.cli.world import World
from toolkit.spec.chain import InstanceChain
from toolkit.spec.events import Event
output = Output(World((), {}, io.StringIO(), io.StringIO(), io.StringIO()))
chain = InstanceChain("a", "n", "g", "running", "passing", "up", "1")
output.event(Event("canary", "x", 0.0, (chain,)))
sys.exit("rich" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["completion", "bash"], ["help", "deploy"]])
def test_a_reader_that_went_away_is_nobodys_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run([*TOOLKIT, *arguments], stdout=pipe, stderr=subprocess.PIPE)
    assert done.stderr == b""
    assert done.returncode == 0


def test_a_terminal_that_cannot_show_a_character_gets_its_escape() -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*TOOLKIT, "render", "wéb"], env=environ, cwd="/", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
