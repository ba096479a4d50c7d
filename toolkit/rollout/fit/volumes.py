"""Volumes of one node; pure. Of CSI volumes only Nomad can tell."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.rollout.fit.facts import DynamicVolume, NodeFacts, VolumeAsk
from toolkit.rollout.fit.room import YES
from toolkit.spec.fit import Cell

READER, WRITER = "single-node-reader-only", "single-node-writer"
SINGLE, MULTI = "single-node-single-writer", "single-node-multi-writer"
FILESYSTEM = "file-system"


def volume_cell(
    asked: VolumeAsk, node: NodeFacts, known: Mapping[str, DynamicVolume], *, count: int
) -> Cell:
    """Whether the node has the volume, in the way that it is asked for."""
    if asked.kind != "host":
        return Cell("unknown", f"volume {asked.source}: of CSI volumes only Nomad can tell")
    if asked.per_alloc:
        sources = [f"{asked.source}[{number}]" for number in range(max(count, 1))]
        cells = [_one(asked, source, node, known) for source in sources]
        if len(cells) == 1 or all(cell.mark == "no" for cell in cells):
            return cells[0]
        return Cell(
            "unknown", f"volume {asked.source}: each instance needs one of its own, by its number"
        )
    return _one(asked, asked.source, node, known)


def _one(
    asked: VolumeAsk, source: str, node: NodeFacts, known: Mapping[str, DynamicVolume]
) -> Cell:
    volume = node.volumes.get(source)
    if volume is None:
        return Cell("no", f"has no host volume {source}", 1.0)
    if not volume.id:
        if volume.read_only and not asked.read_only:
            return Cell("no", f"host volume {source} is read-only", 1.0)
        return YES
    kept = known.get(volume.id)
    if kept is None:
        return Cell("unknown", f"host volume {source} could not be read")
    return _dynamic(asked, source, kept)


def _dynamic(asked: VolumeAsk, source: str, kept: DynamicVolume) -> Cell:
    if not kept.ready:
        return Cell("no", f"host volume {source} is not ready", 0.95)
    access = asked.access or (READER if asked.read_only else WRITER)
    if (access, asked.attachment or FILESYSTEM) not in kept.capabilities:
        return Cell("no", f"host volume {source} does not offer {access}", 1.0)
    if access == READER and not asked.read_only:
        return Cell("no", f"host volume {source}: {access} is not for writing", 1.0)
    if access == WRITER and asked.read_only:
        return Cell("no", f"host volume {source}: {access} is not for reading only", 1.0)
    if access == SINGLE and kept.used:
        return Cell("unknown", f"host volume {source} is in use, by whom only Nomad knows")
    if asked.sticky:
        return Cell("unknown", f"host volume {source} is sticky: only Nomad knows the claims")
    return YES
