"""`why-not` on a thousand nodes: the whole command against made answers."""

from __future__ import annotations

import json

from bench import samples
from bench.made_nodes import NODES, made_nomad
from bench.row import Row


def why_not() -> list[Row]:
    """Five whole commands, beside a bare interpreter."""
    with made_nomad() as address:
        command = samples.toolkit("why-not", "wide", "--live", "--nomad-addr", address)
        ran = samples.run([*command, "--json"])
        report = json.loads(ran.output)
        assert (ran.code, report["fits"], report["total_nodes"]) == (4, False, NODES)
        nothing, taken = samples.interleaved(5, samples.bare(), command)
    return [
        Row(
            f"why-not, {NODES} nodes, {report['calls']} calls",
            "≤ 1 s",
            f"{taken} (python -c pass {nothing})",
            taken.median <= 1,
        )
    ]
