"""One screen at three in the morning, eighty columns wide."""

from __future__ import annotations

from toolkit.spec.cause import Cause
from toolkit.spec.explain import ExplainReport, Explanation, Fact, Moment, Subject
from toolkit.views import explain

CRASH = Cause(
    "crash", "task app exited 1 twice within 3 s of its start", "web", "app",
    "5b2c90aa-0000-4000", "node-1", ("stderr: FATAL config key 'db_url' missing",),
    "mend what the task's output names, then deploy again", 990.0, 2,
)  # fmt: skip
LONG = (
    "backend 1.1.0 (version 8) is well: 2 of 2 running, 2 of 2 passing; version 7 (1.2.0) failed,"
    " and Nomad went back to version 6 as version 8"
)


def report(**more: object) -> ExplainReport:
    answer = Explanation(Subject("job", "backend"), "backend", "well", LONG, 900.0, **more)  # type: ignore[arg-type]
    return ExplainReport("dev", "http://a", "default", "backend", 1000.0, answer)


def test_one_screen() -> None:
    made = report(
        causes=(CRASH,),
        facts=(Fact("version", "8, release 1.1.0"),),
        unseen=("Consul: the token may not read all of service backend",),
        next="toolkit explain 5b2c90aa",
    )
    assert "\n".join(explain.lines(made)) == (
        "well      backend 1.1.0 (version 8) is well: 2 of 2 running, 2 of 2 passing;\n"
        "          version 7 (1.2.0) failed, and Nomad went back to version 6 as version\n"
        "          8, since 1970-01-01 00:15:00Z (1 min 40 s ago)\n"
        "  cause   task app exited 1 twice within 3 s of its start\n"
        "          group web, allocation 5b2c90aa on node-1 and 1 more instance\n"
        "          stderr: FATAL config key 'db_url' missing\n"
        "  advice  mend what the task's output names, then deploy again\n"
        "  version 8, release 1.1.0\n"
        "  unseen  Consul: the token may not read all of service backend\n"
        "  next    toolkit explain 5b2c90aa"
    )


def test_a_life_by_its_distance_from_the_beginning() -> None:
    moments = [Moment(100.0 + n * 61, "app", f"Event {n}") for n in range(30)]
    lines = explain.lines(report(timeline=tuple(moments)))
    at = next(n for n, line in enumerate(lines) if line.startswith("  life"))
    assert lines[at] == "  life    1970-01-01 00:01:40Z app: Event 0"
    assert lines[at + 1] == "          … 15 earlier events"
    assert lines[-1] == "          +29 min 29 s app: Event 29"
    long = Moment(100.0, "app", "x" + " word" * 30)
    assert all(len(line) <= 80 for line in explain.lines(report(timeline=(moments[0], long))))


def test_more_causes_than_a_screen_holds_are_counted() -> None:
    lines = explain.lines(report(causes=(CRASH,) * 7))
    assert lines.count("  then    task app exited 1 twice within 3 s of its start") == 3
    assert "          and 3 more causes" in lines


def test_what_the_summary_quotes_is_not_repeated() -> None:
    said = Cause("check", "it is critical: HTTP 500", evidence=("check: HTTP 500", "stderr: 500"))
    lines = explain.lines(report(causes=(said,)))
    assert "          check: HTTP 500" not in lines
    assert "          stderr: 500" in lines


def test_no_word_is_cut_even_where_it_does_not_fit() -> None:
    address = "http://127.0.0.1:8080/" + "x" * 100
    lines = explain.lines(report(output=(f"stderr: see {address}",)))
    assert any(address in line for line in lines)


def test_control_characters_stay_for_the_printer_to_neutralise() -> None:
    # `cli.output` shows them as escapes; the view does not lose the line.
    assert any("\x1b[2J" in line for line in explain.lines(report(output=("stderr: \x1b[2Jx",))))
