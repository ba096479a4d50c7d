"""`make answers`: measure, print the figures, and with `--write` put them into docs/answers.md."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import samples
from bench.answers import death, density, loop, people, rollouts
from bench.commands import ROOT

PAGE = ROOT / "docs/answers.md"
Figures = list[str]
"""Lines of Markdown."""


def main() -> int:
    """Measure everything, or what is named."""
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    print("\n".join(samples.machine()), flush=True)
    for name, measure in MEASURES.items():
        if wanted and name not in wanted:
            continue
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            lines = measure(Path(folder))
        print("\n".join(lines), f"\n({time.monotonic() - began:.0f} s)", flush=True)
        if "--write" in sys.argv:
            write(name, lines)
    return 0


def write(name: str, lines: Figures) -> None:
    """Put figures between their two marks on the page."""
    begin, end = f"<!-- figures: {name} -->\n", "<!-- end -->"
    before, _, rest = PAGE.read_text().partition(begin)
    if not rest:
        raise SystemExit(f"{PAGE.name} has no place for {name}")
    _, _, after = rest.partition(end)
    PAGE.write_text(before + begin + "\n" + "\n".join(lines) + "\n\n" + end + after)


def table(head: Sequence[str], *rows: Sequence[str]) -> Figures:
    """A Markdown table."""
    return [
        "| " + " | ".join(cells) + " |"
        for cells in (head, ["---"] * len(head), *rows)
    ]  # fmt: skip


def _rollouts(folder: Path) -> Figures:
    ours, theirs = rollouts.measure(folder)

    def row(what: str, rolled: rollouts.Rolled) -> list[str]:
        return [
            what,
            _seconds(rolled.served),
            _seconds(rolled.alone),
            f"{rolled.failed} of {rolled.requests}",
            f"{rolled.moved:.1f} MiB" if rolled.moved >= 0.1 else f"{rolled.moved * 1024:.1f} KiB",
        ]

    head = [
        "",
        "first answer of the new release",
        "last answer of the old one",
        "requests lost",
        "made for it",
    ]
    rows = [row("`toolkit deploy` of a service", ours)]
    if theirs is not None:
        rows.append(row(f"machines from an image ({theirs.steps})", theirs))
    return table(head, *rows)


def _density(folder: Path) -> Figures:
    found = density.measure(folder)
    rows = (
        ("Consul, Nomad and Traefik of one machine, before the first service", found.agents),
        ("one more instance of the backend", found.service),
        ("what Nomad keeps beside each instance (log collector, executor)", found.around),
    )
    took = f"{found.seconds:.0f} s, from the command to its verdict."
    return [
        *table(["", "MiB"], *([what, f"{size:.0f}"] for what, size in rows)),
        "",
        f"{found.added} more instances took {took}",
    ]


def _death(folder: Path) -> Figures:
    found = death.measure(folder)
    last = ""
    if found.last_failed is not None:
        last = f", the last {found.last_failed:.1f} s after the kill"
    return table(
        ["", ""],
        ["requests that failed", f"{found.failed} of {found.requests}{last}"],
        ["Nomad calls the machine down", f"{found.noticed:.1f} s after the kill"],
        ["both instances run and pass elsewhere", f"{found.whole:.1f} s after the kill"],
        ["`toolkit verify` then", f"`{found.verdict}`"],
    )


def _loop(folder: Path) -> Figures:
    found = loop.measure(folder)
    return table(
        ["", ""],
        ["a source file is saved → the change is served", _seconds(found.source)],
        ["a job file is saved → the change is served", _seconds(found.job)],
        ["a file is saved and nothing changed → it is said", _seconds(found.nothing)],
    )


def _people(folder: Path) -> Figures:
    tried = people.measure(folder)
    roles = list(dict.fromkeys(each.role for each in tried))
    rows: dict[str, list[str]] = {}
    for each in tried:
        # Each role deploys a release of its own.
        command = each.command.replace("1.1.0", "…").replace("1.2.0", "…").replace("1.3.0", "…")
        rows.setdefault(f"`{command}`", []).append("yes" if each.code in {0, 10} else "no")
    return table(["", *roles], *([name, *cells] for name, cells in rows.items()))


def _seconds(sample: samples.Sample) -> str:
    return f"{sample.median:.1f} s (worst {sample.worst:.1f} of {len(sample.seconds)})"


MEASURES: dict[str, Callable[[Path], Figures]] = {
    "rollouts": _rollouts,
    "density": _density,
    "death": _death,
    "loop": _loop,
    "people": _people,
}

if __name__ == "__main__":
    sys.exit(main())
