"""The answer in words, and a matrix that fits the screen."""

from __future__ import annotations

from dataclasses import replace

from toolkit.rollout.fit.advice import advice
from toolkit.spec.fit import Cell, Demand, DryRun, FitReport, GroupFit, NodeFit
from toolkit.views import why_not

YES = Cell("yes")
MEMORY = Demand("resource", "memory", "memory 512 MiB", met=0, unmet=1)
READY = Demand("node", "ready", "ready and eligible", met=1)


def node(name: str, *cells: Cell, room: int | None = 0) -> NodeFit:
    """A row."""
    return NodeFit(f"{name}-id", name, "dc1", "default", "", cells, room)


def report(*nodes: NodeFit, demands: tuple[Demand, ...] = (READY, MEMORY),
           mark: str = "no") -> FitReport:  # fmt: skip
    """A report of one group."""
    group = GroupFit("web", mark, 2, 0, 0, 0, 0, demands, nodes)  # type: ignore[arg-type]
    return FitReport("shop", "service", (group,), mark, len(nodes), "job file x")  # type: ignore[arg-type]


LACKS = Cell("no", "lacks 212 MiB of memory", 0.4)


def test_the_first_line_names_the_nearest_node() -> None:
    text = why_not.lines(report(node("worker-3", YES, LACKS)))
    assert text[0] == "shop does not fit: nearest: worker-3 lacks 212 MiB of memory"
    assert "  worker-3  0     no" in text


def test_what_fits_says_how_many_and_where() -> None:
    good = report(node("worker-3", YES, YES, room=2), mark="yes")
    good = replace(good, groups=(replace(good.groups[0], placed=2),))
    assert why_not.lines(good)[0] == (
        "shop fits: web 2 of 2 wanted instances, 1 of 1 node can take it"
    )


def test_a_group_that_is_named_like_its_job_is_named_once() -> None:
    good = report(node("worker-3", YES, YES, room=2), mark="yes")
    same = replace(good.groups[0], group="shop", wanted=0, stays=1)
    assert why_not.lines(replace(good, groups=(same,)))[0] == (
        "shop fits: nothing to place, 1 instance stays; room for more on 1 of 1 node"
    )
    other = replace(same, group="web")
    assert why_not.lines(replace(good, groups=(other,)))[0].startswith("shop fits: web has nothing")


def test_what_could_not_be_told_is_a_question_mark_with_its_reason() -> None:
    unclear = Cell("unknown", "quota small: only Nomad can tell")
    demands = (READY, Demand("other", "added", "quota small", unknown=1))
    made = report(node("worker-3", YES, unclear, room=None), demands=demands, mark="unknown")
    made = replace(made, groups=(replace(made.groups[0], reason=unclear.said),))
    text = why_not.lines(made)
    assert text[0] == "shop: could not tell: quota small: only Nomad can tell"
    assert "  worker-3  ?     ?" in text
    assert why_not.document(made)["fits"] is None


def test_nodes_that_are_alike_share_a_row_unless_all_are_asked_for() -> None:
    nodes = [node(f"worker-{number}", YES, LACKS) for number in range(12)]
    nodes.append(node("other", YES, YES, room=1))
    text = "\n".join(why_not.lines(report(*nodes)))
    assert "12 nodes like worker-0" in text
    assert "worker-5" not in text
    every = why_not.lines(report(*nodes), every=True)
    assert sum("worker-" in line and line.startswith("  ") for line in every) == 12


def test_the_matrix_is_never_wider_than_the_screen() -> None:
    demands = tuple(Demand("constraint", f"c{n}", f"rule {n}", unmet=1) for n in range(40))
    wide = report(node("a-very-long-name-of-a-worker-node", *[LACKS] * 40), demands=demands)
    rows = [line for line in why_not.lines(wide) if line.startswith("  ")]
    assert len(rows) >= 4
    assert max(map(len, rows)) <= why_not.COLUMNS


def test_a_node_cannot_forge_a_line() -> None:
    text = why_not.lines(report(node("evil\x1b[31m\nshop fits", YES, LACKS)))
    assert not any("\x1b" in line or line.startswith("shop fits") for line in text)


def test_nomads_own_answer_is_said_beside_ours() -> None:
    bad = replace(report(node("worker-3", YES, LACKS)), dry_run=DryRun({"web": 2}))
    assert "Nomad     its dry run does not place 2 of group web" in why_not.lines(bad)


def test_a_report_without_nodes_or_groups_is_still_a_sentence() -> None:
    assert why_not.lines(report())[0] == "shop does not fit: there is no node"
    empty = FitReport("shop", "system", (), "yes", 3, "job file x")
    assert why_not.lines(empty)[0] == "shop fits: it has no group to place"


def test_a_node_that_takes_no_work_is_explained_by_toolkit_itself() -> None:
    closed = node("worker-3", Cell("no", "ineligible", 1.0))
    assert advice((READY,), (closed,)) == (
        "bring worker-3 back: `toolkit explain worker-3` says what keeps it away"
    )
