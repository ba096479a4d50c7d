"""Tables of the live view fit any screen: columns give way in the stated order, no line wraps."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.screen import Screen
from toolkit.cli.live import LiveTable
from toolkit.cli.world import World
from toolkit.spec.chain import InstanceChain
from toolkit.spec.listing import JobRow
from toolkit.views import fitted
from toolkit.views.fitted import Line

ID = "0a1f3c52-9c3e-77d0-5b2c-90aa00000000"


def row(node: str = "node-1", *, nomad: str = "healthy", **more: object) -> InstanceChain:
    return InstanceChain(
        ID, node, "web", nomad, "passing", "up", "1.0.0-dev-3f9a1c2e", "10.0.0.1:23456", 4,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def head(lines: Sequence[Line]) -> list[str]:
    return lines[0].text.split()


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (200, "instance node version Nomad Consul Traefik release group address"),
        (84, "instance node version Nomad Consul Traefik release group"),
        (80, "instance node version Nomad Consul Traefik release"),
        (70, "instance version Nomad Consul Traefik release"),
        (60, "instance Nomad Consul Traefik release"),
    ],
)
def test_columns_give_way_in_their_order(width: int, columns: str) -> None:
    rows = [row("a-node-1"), row("a-node-2", nomad="leaving", leaving=True)]
    lines = fitted.instances(rows, width, 20)
    assert head(lines) == columns.split()
    assert max(len(line.text) for line in lines) <= width
    assert [line.tone for line in lines] == ["head", "", "faint"]


def test_a_column_with_nothing_to_say_is_left_out() -> None:
    alone = InstanceChain(ID, "node-1", "web", "running", "-", "-", "-")
    assert head(fitted.instances([alone], 80, 20)) == ["instance", "node", "Nomad", "group"]


@given(
    st.integers(min_value=10, max_value=220),
    st.integers(min_value=3, max_value=40),
    st.lists(st.tuples(st.text(max_size=80), st.sampled_from(["healthy", "failed"])), max_size=60),
)
def test_nothing_is_ever_wider_or_higher(
    width: int, height: int, made: list[tuple[str, str]]
) -> None:
    rows = [row(node, nomad=nomad) for node, nomad in made]
    lines = fitted.instances(rows, width, height)
    assert all(fitted.cells(line.text) <= width for line in lines)
    assert len(lines) <= height
    shown = sum(line.tone in {"", "bad"} for line in lines[1:])
    left = len(rows) - shown
    assert (lines[-1].text.startswith("…")) == (left > 0)
    # What is unwell is shown before what is well.
    bad = sum(nomad == "failed" for _, nomad in made)
    assert sum(line.tone == "bad" for line in lines) == min(bad, shown)


def test_jobs_fit_as_well() -> None:
    jobs = [JobRow(f"job-{n}", "service", "running", "1.0.0", 3, 2, 2, 2, "successful", True)
            for n in range(30)]  # fmt: skip
    lines = fitted.jobs(jobs, 60, 10)
    assert len(lines) == 10
    assert lines[-1].text == "… and 22 more"
    assert max(len(line.text) for line in lines) <= 60
    assert "kind" not in head(lines)


def test_wide_letters_take_two_cells() -> None:
    assert fitted.cells("節点") == 4
    assert fitted.cut("節点一", 5) == "節点…"
    assert fitted.cut("abc", 0) == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(environ: dict[str, str]) -> str:
    stream = Terminal()
    world = World((), environ, io.StringIO(), io.StringIO(), stream)

    def write(_stream: object, text: str) -> None:
        stream.write(text)

    table = LiveTable(world, write)
    table.update([row(), row("node-2", nomad="failed")])
    table.line("first")
    table.update([row()])
    table.line("second")
    table.stop()
    return stream.getvalue()


def test_lines_stay_and_the_table_is_taken_back() -> None:
    said = drawn({"TERM": "xterm"})
    screen = Screen(80)
    screen.feed(said.replace("\n", "\r\n"))
    assert [line.rstrip() for line in screen.lines if line.strip()] == ["first", "second"]
    assert "\x1b[31m" in said


def test_no_colour_where_it_is_not_wanted() -> None:
    assert "m0a1f" not in drawn({"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b[2m" not in drawn({"TERM": "xterm", "NO_COLOR": "1"})


def test_a_terminal_that_shrank_is_cleared_of_what_it_broke() -> None:
    table = LiveTable.__new__(LiveTable)
    table._drawn = (70, 30)
    assert table._erased(80) == "\x1b[2A\r\x1b[J"
    assert table._erased(40) == "\x1b[3A\r\x1b[J"
