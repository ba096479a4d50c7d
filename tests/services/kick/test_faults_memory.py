"""A start after many writes takes no more memory than the lines that it has to know."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from toolkit.serving.audit_files import read_telling
from toolkit.serving.chain import Head, line, seal
from toolkit.spec.audit import Actor, Draft

WRITES = 1_500


def long_audit(path: Path) -> int:
    """A file of writes that all have a key; its bytes."""
    head, size = Head(), 0
    actor = Actor("workload", "default", "shop", "app", "5b2c90aa")
    standing: dict[str, object] = {
        "records": [
            {"name": "a.example.com", "type": "A", "ttl": 60, "values": ["203.0.113.7"]},
            {"name": "a.example.com", "type": "TXT", "ttl": 60, "values": ["x", "y", "z"]},
        ],
        "marks": [{"name": "_toolkit.a.example.com", "type": "TXT", "values": ["heritage"]}],
    }
    with path.open("wb") as file:
        for number in range(WRITES):
            intent = Draft(
                "intent", "dns.set", actor, "a.example.com", key=f"key-{number}",
                before=standing, after=standing,
            )  # fmt: skip
            entry = seal(intent, head, "2026-11-23T09:00:00.000+00:00")
            size += file.write(line(entry))
            end = Draft(
                "outcome", "dns.set", actor, key=f"key-{number}", intent=entry.seq, result="done"
            )
            last = seal(end, Head(entry.seq, entry.hash), entry.time)
            size += file.write(line(last))
            head = Head(last.seq, last.hash)
    return size


def test_what_a_start_has_to_know_is_held_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit-000000000001.jsonl"
    size = long_audit(path)
    tracemalloc.start()
    try:
        seen = sum(1 for _ in read_telling([path], WRITES))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 2 * WRITES
    assert peak < 2 * size
