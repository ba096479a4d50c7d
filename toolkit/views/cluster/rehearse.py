"""A rehearsal: its machines, what the balancer has, what it costs this machine."""

from __future__ import annotations

from typing import Any

from toolkit.spec.rehearsal import MachineRow, RehearsalReport
from toolkit.views.text import staged, table

HEAD = ["machine", "role", "zone", "address", "power", "Nomad"]
_MIB = 1024 * 1024


def lines(report: RehearsalReport) -> list[str]:
    """Machines, balancer, certificates, memory, then the word and its sentence."""
    result = table([HEAD, *(_row(each) for each in report.machines)]) if report.machines else []
    for each in report.machines:
        if each.said:
            result += staged("log", f"{each.name} said last: {each.said}")
    for reason in report.reasons:
        result += staged("servers", reason)
    if report.targets:
        said = (
            f"{each.name} {each.address} {'gets requests' if each.well else 'gets none yet'}"
            for each in report.targets
        )
        result += staged("balancer", "\n".join(said))
    if report.certificates:
        first = min(report.certificates, key=lambda each: each.days)
        text = f"the first of {len(report.certificates)} to end is {first.name}, on {first.ends}"
        result += staged("trust", text)
    if report.memory is not None:
        result += staged("memory", f"{report.memory / _MIB:.0f} MiB in all machines together")
    for note in report.notes:
        result += staged("note", note)
    result += staged(report.word, report.sentence)
    if report.next:
        result += staged("next", "\n".join(report.next))
    return result


def _row(row: MachineRow) -> list[str]:
    role = row.pool or row.role
    return [row.name, role, row.zone, row.address, row.power, row.nomad]


def document(report: RehearsalReport) -> dict[str, Any]:
    """The report for programs; tokens stay where they are kept."""
    return {
        "schema": "toolkit.rehearsal/1",
        "cluster": report.cluster,
        "environment": report.environment,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "machines": [
            {
                "name": each.name,
                "role": each.role,
                "zone": each.zone,
                "pool": each.pool or None,
                "address": each.address,
                "power": each.power,
                "nomad": each.nomad,
                "said": each.said or None,
            }
            for each in report.machines
        ],
        "targets": [
            {"name": each.name, "address": each.address, "well": each.well}
            for each in report.targets
        ],
        "certificates": [
            {"name": each.name, "ends": each.ends, "days": each.days}
            for each in report.certificates
        ],
        "reasons": list(report.reasons),
        "memory": report.memory,
        "seconds": report.seconds,
        "notes": list(report.notes),
        "next": list(report.next),
    }
