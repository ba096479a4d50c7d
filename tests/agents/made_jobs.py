"""Small jobs in HCL: from a table's row, or made up by Hypothesis."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def rule(left: str, operator: str = "=", right: str | None = None, *, word: str = "constraint",
         weight: int | None = None) -> str:  # fmt: skip
    """A constraint, or with `word` an affinity."""
    lines = [f'operator = "{operator}"']
    if left:
        # Nomad's own interpolations are no HCL ones.
        lines.append(f"attribute = {json.dumps(left)}")
    if right is not None:
        lines.append(f"value = {json.dumps(right)}")
    if weight is not None:
        lines.append(f"weight = {weight}")
    return block(word, lines)


def block(head: str, lines: Any = ()) -> str:
    """A block of HCL."""
    return "\n".join([f"{head} {{", *lines, "}", ""])


def network(*ports: str, mode: str = "") -> str:
    """A group's network with these port blocks."""
    return block("network", [*ports, *([f'mode = "{mode}"'] if mode else [])])


def port(label: str, static: int | None = None, host_network: str = "", extra: str = "") -> str:
    """One port of a network."""
    lines = [] if static is None else [f"static = {static}"]
    lines += [f"host_network = {json.dumps(host_network)}"] if host_network else []
    return block(f'port "{label}"', [*lines, *([extra] if extra else [])])


def task(name: str = "main", *, driver: str = "mock_driver", config: str = 'run_for = "6h"',
         resources: str = "cpu = 10\nmemory = 10", more: str = "") -> str:  # fmt: skip
    """One task."""
    logs = block("logs", ["max_files = 1", "max_file_size = 1"])
    return block(
        f'task "{name}"',
        [f'driver = "{driver}"', block("config", [config]), logs, more,
         block("resources", [resources])],
    )  # fmt: skip


def group(name: str = "main", *, count: int | None = 1, disk: int = 10, more: str = "",
          tasks: str = "") -> str:  # fmt: skip
    """One group; a task of its own when no `tasks` are given."""
    return block(
        f'group "{name}"',
        [*([] if count is None else [f"count = {count}"]), more,
         block("ephemeral_disk", [f"size = {disk}"]), tasks or task()],
    )  # fmt: skip


def job(groups: str, *, name: str = "case", kind: str = "service", more: str = "",
        datacenters: str = '["dc1", "dc2", "edge-*"]', pool: str = "all",
        priority: int = 50) -> str:  # fmt: skip
    """A whole job."""
    return block(
        f'job "{name}"',
        [f'type = "{kind}"', f"datacenters = {datacenters}", f'node_pool = "{pool}"',
         f"priority = {priority}", more, groups],
    )  # fmt: skip


LEFT = (
    "${meta.rack}", "${meta.size}", "${meta.ratio}", "${meta.version}", "${meta.tags}",
    "${meta.nowhere}", "${node.class}", "${node.datacenter}", "${node.pool}",
    "${node.unique.name}", "${attr.kernel.name}", "${attr.nomad.version}",
    "${attr.memory.totalbytes}", "${attr.unique.hostname}",
)  # fmt: skip
RIGHT = (
    "r1", "r2", "10", "9", "9.5", "1e1", "nine", "a", "a,b", "b , c", "big", "dc1", "worker-2",
    "linux", "1.9.3", "2000000000", "^r", "r[12]", "(?i)R1", "-1", "default", "${meta.rack}",
    "${node.class}",
)  # fmt: skip
VERSIONS = (">= 1.9", "~> 1.9", "< 1.10.0", "= 2", "!= 1.10.0", ">= 1.9.3-beta", "> 1, < 2", "2.0")

rules = st.one_of(
    st.builds(
        rule,
        st.sampled_from(LEFT),
        st.sampled_from(("=", "==", "is", "!=", "not", "<", "<=", ">", ">=", "regexp",
                         "set_contains", "set_contains_all", "set_contains_any")),
        st.sampled_from(RIGHT),
    ),
    st.builds(rule, st.sampled_from(LEFT), st.just("version"), st.sampled_from(VERSIONS)),
    st.builds(
        rule,
        st.sampled_from(LEFT),
        st.just("semver"),
        st.sampled_from([each for each in VERSIONS if "~" not in each]),
    ),
    st.builds(rule, st.sampled_from(LEFT), st.sampled_from(("is_set", "is_not_set"))),
    st.builds(rule, st.just(""), st.just("distinct_hosts"), st.sampled_from(("true", "false"))),
    st.builds(
        rule,
        st.sampled_from(("${meta.rack}", "${node.class}", "${node.datacenter}")),
        st.just("distinct_property"),
        st.sampled_from((None, "1", "2", "3")),
    ),
)  # fmt: skip

# Close to what the nodes have left, so that one MiB decides.
memory = st.one_of(st.integers(10, 700), st.sampled_from((411, 412, 413, 512, 900, 901, 1500,
                   1501, 1600, 1601)))  # fmt: skip
cpu = st.one_of(st.integers(1, 900), st.sampled_from((1000, 1900, 1901, 2000, 2001, 2450, 2451)))
disk = st.one_of(st.integers(10, 400), st.sampled_from((3880, 3881, 3900, 3901, 4000, 4001)))
ports = st.lists(
    st.one_of(
        st.just(None),
        st.sampled_from((22, 80, 7000, 8005, 9000, 30001)),
    ),
    max_size=3,
    unique_by=lambda value: value if value is not None else object(),
)
lifecycles = st.sampled_from(
    (None, 'hook = "prestart"', 'hook = "prestart"\nsidecar = true', 'hook = "poststart"',
     'hook = "poststop"')
)  # fmt: skip


@st.composite
def groups(draw: st.DrawFn, name: str, everywhere: bool) -> str:
    """One group with whatever it asks for."""
    amount = draw(st.one_of(cpu.map(lambda number: f"cpu = {number}"),
                            st.just("cores = 1")))  # fmt: skip
    main = task(resources=f"{amount}\nmemory = {draw(memory)}")
    hook = draw(lifecycles)
    if hook is not None:
        resources = f"cpu = {draw(st.integers(1, 600))}\nmemory = {draw(st.integers(10, 600))}"
        main += task("beside", resources=resources, more=block("lifecycle", [hook]))
    asked = [
        port(f"p{number}", value, draw(st.sampled_from(("", "", "", "public"))))
        for number, value in enumerate(draw(ports))
    ]
    parts = draw(st.lists(rules, max_size=2))
    parts += [network(*asked)] if asked else []
    if draw(st.integers(0, 5)) == 0:
        lines = [
            'type = "host"',
            'source = "data"',
            f"read_only = {draw(st.sampled_from(('true', 'false')))}",
        ]
        parts.append(block('volume "data"', lines))
    count = None if everywhere else draw(st.integers(0, 6))
    return group(name, count=count, disk=draw(disk), more="\n".join(parts), tasks=main)


@st.composite
def jobs(draw: st.DrawFn) -> str:
    """A job of one or two groups."""
    kind = draw(st.sampled_from(("service", "service", "batch", "system", "sysbatch")))
    everywhere = kind in {"system", "sysbatch"}
    number = draw(st.sampled_from((1, 1, 1, 2)))
    made = "".join(draw(groups(f"g{index}", everywhere)) for index in range(number))
    return job(
        made,
        kind=kind,
        more="".join(draw(st.lists(rules, max_size=1))),
        datacenters=draw(st.sampled_from(('["*"]', '["dc1"]', '["dc*", "edge-1"]'))),
        pool=draw(st.sampled_from(("all", "all", "default", "gpu"))),
    )
