"""A plan as a pull request's comment, to the character, and that no value becomes markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from toolkit.spec.cause import Cause
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import (
    DiffLine,
    Drift,
    GroupPlan,
    LintFinding,
    LiveJob,
    Plan,
    ScaledCount,
    VersionMark,
)
from toolkit.spec.rendered import RenderedJob
from toolkit.views.markdown import block, code, plain, prose
from toolkit.views.markdown_plan import lines

GOLDEN = Path(__file__).parent
NOW = 1_780_000_000.0
MOST = 65_536
"""Characters that a code host allows in a comment."""

NASTY = "a|b `c` <script>x</script> @all #12 ![i](http://x) ```\n# not a heading\\"

RENDERED = RenderedJob(
    JobSpec("backend", "service", "jobs/backend/job.toml", "t", release="1.1.0"), "", (), {}
)
LIVE = LiveJob(8, 120, "service", "1.0.0", False, True, {"web": 4}, {})
CHANGED = Plan(
    rendered=RENDERED,
    job={"ID": "backend", "Meta": {"release": "1.1.0"}},
    check_index=120,
    live=LIVE,
    groups=(GroupPlan("web", canary=4, ignore=4), GroupPlan("side", in_place=1)),
    diff=(
        DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0"),
        DiffLine("group[web].task[app].Env[TOKEN]", "Added", "", "***"),
        DiffLine("group[web].task[app].Env[OLD]", "Deleted", "x", ""),
    ),
    lint=(
        LintFinding("count-one", "warning", "group side has count 1", "it stops first"),
        LintFinding("no-check", "warning", "allowed", "so not shown", allowed=True),
    ),
    warnings=("1 warning:\n\n* a warning of Nomad's",),
    notes=("count of group web stays 4 as scaled (the file says 2; --reset-count applies it)",),
    question="release 1.0.0 was put there by --release, and this would change it to 1.1.0",
    drift=Drift(
        "changed",
        VersionMark(8, "1.0.0", NOW - 3 * 3600),
        VersionMark(7, "1.0.0", NOW - 2 * 86400),
        (DiffLine("group[web].task[app].Resources.MemoryMB", "Edited", "128", "256"),),
    ),
    scaled=(ScaledCount("web", 4, 2, True, 2, "an autoscaler", NOW - 300, "cpu is high"),),
    environment="production",
    address="https://nomad.example.com:4646",
    namespace="default",
    made_at=NOW,
)
UNCHANGED = replace(
    CHANGED, groups=(GroupPlan("web", ignore=4),), diff=(), lint=(), warnings=(), notes=(),
    question=None, drift=None, scaled=(), changed=False,
    job={"ID": "backend", "Meta": {"release": "1.0.0"}},
)  # fmt: skip
UNPLACED = replace(
    UNCHANGED,
    live=None,
    changed=True,
    groups=(GroupPlan("web", place=2),),
    diff=(DiffLine("Name", "Added", "", "backend"), DiffLine("Type", "Added", "", "service")),
    unplaced=(
        Cause(
            "unplaced", "2 of 2 instances of group web have no place", group="web",
            evidence=("1 of 3 nodes: not enough memory", "2 of 3 nodes: ${attr.kernel} != linux"),
            advice="ask for less memory",
        ),
    ),
)  # fmt: skip
REFUSED = replace(
    UNCHANGED,
    lint=(LintFinding("edge-alone", "refused", "the only edge would close", "nobody is served"),),
    drift=Drift("unseen", VersionMark(8, "1.0.0"), None, (), "Nomad keeps nothing before it"),
)
HOSTILE = replace(
    CHANGED,
    job={"ID": NASTY, "Meta": {"release": NASTY}},
    groups=(GroupPlan(NASTY, place=1),),
    diff=(DiffLine(NASTY, "Edited", NASTY, NASTY),),
    lint=(LintFinding(NASTY, "warning", NASTY, NASTY),),
    warnings=(NASTY,),
    notes=(NASTY,),
    question=NASTY,
    unplaced=(Cause("unplaced", NASTY, group=NASTY, node=NASTY, evidence=(NASTY,), advice=NASTY),),
    drift=Drift(
        "changed", VersionMark(8, NASTY, NOW), VersionMark(7, NASTY, NOW),
        (DiffLine(NASTY, "Edited", NASTY, NASTY),), NASTY,
    ),
    scaled=(ScaledCount(NASTY, 4, 2, True, 2, NASTY, NOW, NASTY),),
    environment=NASTY,
    namespace=NASTY,
)  # fmt: skip
CASES = {
    "changed": CHANGED, "unchanged": UNCHANGED, "unplaced": UNPLACED, "refused": REFUSED,
    "hostile": HOSTILE,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_comment_is_what_it_was(name: str, regenerate: bool) -> None:
    path = GOLDEN / f"plan.{name}.md"
    text = "\n".join(lines(CASES[name])) + "\n"
    if regenerate:
        path.write_text(text)
    assert text == path.read_text(), "run pytest tests/golden --regenerate-golden and read the diff"


def test_no_comment_is_left_over() -> None:
    assert {path.name for path in GOLDEN.glob("*.md")} == {f"plan.{name}.md" for name in CASES}


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def markup(text: str) -> Counter[str]:
    """How often each kind of markup stands in a text, whatever it says."""
    found: Counter[str] = Counter()
    for token in parse(text):
        found[token.type] += 1
        for child in token.children or ():
            found[child.type] += child.type != "text"
    return found


def test_nothing_in_a_value_becomes_markup() -> None:
    assert markup("\n".join(lines(HOSTILE))) == TAME


def filled(text: str) -> Plan:
    """The hostile plan with another text in every place."""

    def swap(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(NASTY, text)
        if isinstance(value, tuple):
            return tuple(swap(item) for item in value)
        if isinstance(value, dict):
            return {key: swap(item) for key, item in value.items()}
        if hasattr(value, "__dataclass_fields__"):
            return replace(value, **{name: swap(getattr(value, name)) for name in shown(value)})
        return value

    return replace(HOSTILE, **{name: swap(getattr(HOSTILE, name)) for name in shown(HOSTILE)})


def shown(value: Any) -> list[str]:
    return [name for name in value.__dataclass_fields__ if name not in {"rendered", "live"}]


TAME = markup("\n".join(lines(filled("word"))))

texts = st.text(max_size=60) | st.text(alphabet="`|\\<>&*_[]()!~#@-+=.1 \n\tahtp:/w$", max_size=40)


@settings(deadline=None, max_examples=25)
@given(texts.filter(lambda text: bool(plain(text))))
def test_whatever_is_said_the_markup_is_the_same(text: str) -> None:
    assert markup("\n".join(lines(filled(text)))) == TAME


@given(texts)
def test_code_says_what_it_was_given(text: str) -> None:
    [_, inline, _] = parse(f"x {code(text)} x")
    said = plain(text)
    if said:
        assert [child.content for child in inline.children or ()] == ["x ", said, " x"]


@given(texts)
def test_prose_says_what_it_was_given(text: str) -> None:
    [_, inline, _] = parse(f"x{prose(text)}x")
    said = "".join(child.content for child in inline.children or ())
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    assert said.replace("\u200b", "") == f"x{plain(text)}x".replace("\u200b", "")


@given(st.lists(texts.map(plain), min_size=1, max_size=5))
def test_a_block_ends_where_it_ends(values: list[str]) -> None:
    [fence] = parse("\n".join(block([f"+ {value}" for value in values], "diff")))
    assert (fence.type, fence.info) == ("fence", "diff")
    assert fence.content == "".join(f"+ {value}\n" for value in values)


def test_names_are_told_to_nobody_and_nothing_is_linked() -> None:
    said = prose("@all see #12 at https://x.example and www.x.example")
    assert "@" not in said and "#12" not in said
    assert "https:" not in said and "www." not in said


def test_a_comment_fits_however_much_there_is_and_says_what_it_left_out() -> None:
    long = "|" * 1000
    many = replace(
        HOSTILE,
        groups=tuple(GroupPlan(f"{number}{long}", place=1) for number in range(100)),
        diff=tuple(DiffLine(f"{n}{long}", "Edited", long, long) for n in range(100)),
        lint=tuple(LintFinding(long, "warning", long, long) for _ in range(100)),
        warnings=(long,) * 100,
        notes=(long,) * 100,
        unplaced=tuple(Cause("unplaced", long, evidence=(long,) * 3) for _ in range(100)),
        drift=replace(
            HOSTILE.drift, changes=(DiffLine(long, "Edited", long, long),) * 100
        ) if HOSTILE.drift else None,
        scaled=tuple(
            ScaledCount(f"{number}{long}", 4, 2, True, 2, long, NOW, long) for number in range(100)
        ),
    )  # fmt: skip
    text = "\n".join(lines(many))
    assert len(text) < MOST
    left = [line for line in text.splitlines() if line.startswith("Left out for length: ")]
    nouns = [line.split(":")[1].split(";")[0].split()[1] for line in left]
    assert nouns == ["causes", "groups", "changed", "changed", "groups", "findings", "notes"]
    assert "fields" in text and "; `toolkit plan` shows all." in left[0]
