"""What tasks write, passed through: bytes to a pipe, text that can harm nobody to a terminal."""

from __future__ import annotations

import io

import pytest

from toolkit.cli.call import Call
from toolkit.cli.world import World
from toolkit.cli.written import LONGEST, TaskOutput
from toolkit.spec.events import Event
from toolkit.spec.work import Stream, Written

HARM = b"\x1b[2Jred\x07 \xff\xe2\x82\xac\r\nnext\ttab\n"


class Pipe(io.TextIOWrapper):
    """A stream over bytes, as a process has them."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def bytes(self) -> bytes:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(Pipe):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def output(
    stdout: io.TextIOBase, stderr: io.TextIOBase | None = None, *, as_json: bool = False
) -> TaskOutput:
    world = World((), {}, io.StringIO(), stdout, stderr or io.StringIO())  # type: ignore[arg-type]
    return TaskOutput(Call.of(world, {"json_output": as_json}))


def piece(
    data: bytes, stream: Stream = "stdout", *, alone: bool = True, task: str = "app"
) -> Written:
    return Written("0a1f3c52-9c3e", task, stream, data, alone)


def test_a_pipe_gets_every_byte_as_it_is() -> None:
    stdout, stderr = Pipe(), Pipe()
    say = output(stdout, stderr)
    for part in (HARM[:9], HARM[9:], b"no end"):
        say(piece(part))
    say(piece(b"\xfe", "stderr"))
    say.end()
    assert stdout.bytes() == HARM + b"no end"
    assert stderr.bytes() == b"\xfe"


def test_with_json_it_goes_to_stderr() -> None:
    stdout, stderr = Pipe(), Pipe()
    say = output(stdout, stderr, as_json=True)
    say(piece(b"out\n"))
    say(piece(b"err\n", "stderr"))
    assert (stdout.bytes(), stderr.bytes()) == (b"", b"out\nerr\n")


def test_a_terminal_gets_nothing_that_steers_it() -> None:
    stdout = Terminal()
    say = output(stdout)
    say(piece(HARM))
    text = stdout.getvalue()
    assert "\x1b" not in text and "\x07" not in text and "\r" not in text
    assert text == "\\x1b[2Jred\\x07 \ufffd€\nnext\ttab\n"


def test_a_character_in_two_pieces_is_one() -> None:
    stdout = Terminal()
    say = output(stdout)
    say(piece("€".encode()[:1]))
    say(piece("€".encode()[1:] + b"\n"))
    assert stdout.getvalue() == "€\n"


def test_only_a_terminal_gets_an_end_of_line_that_no_task_wrote() -> None:
    for stdout, wanted in ((Terminal(), "no end\n"), (io.StringIO(), "no end")):
        say = output(stdout)
        say(piece(b"no end"))
        say.end()
        assert stdout.getvalue() == wanted


def test_what_is_said_meanwhile_begins_on_a_line_of_its_own() -> None:
    both = Terminal()
    say = output(both, both)
    say(piece(b"50 %"))
    say.on_event(Event("place", "0a1f3c52 complete", 0.0))
    say(piece(b", done\n"))
    say.end()
    assert both.getvalue() == "50 %\nplace     0a1f3c52 complete\n, done\n"


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_lines_of_several_tasks_say_whose_they_are(size: int) -> None:
    stdout = Pipe()
    say = output(stdout)
    text = b"one\n\ntwo\xff\nthree"
    for start in range(0, len(text), size):
        say(piece(text[start : start + size], alone=False, task="a"))
        say(piece(b"", alone=False, task="b"))
    say.end()
    lead = b"0a1f3c52 a  "
    assert stdout.bytes() == b"".join(
        lead + line + b"\n" for line in (b"one", b"", b"two\xff", b"three")
    )


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    stdout = Pipe()
    say = output(stdout)
    for _ in range(3):
        say(piece(b"x" * LONGEST, alone=False))
    assert len(stdout.bytes()) > LONGEST
    say.end()
    assert stdout.bytes().count(b"x") == 3 * LONGEST


def test_a_reader_that_went_away_is_no_error() -> None:
    say = output(Gone())
    say(piece(b"out\n"))
    say(piece(b"more\n", alone=False))
    say.end()
