"""What the commands of `toolkit cluster` print."""

from __future__ import annotations

from toolkit.views.schemas.words import Schema, maybe, record, some, text, texts

INIT = record(
    "`toolkit cluster init`: a cluster file that was written",
    name=some("Of the cluster"),
    path=some("Of the file, inside the project"),
    region=some("AWS region"),
    zones=texts("Availability zones; the first three have the servers"),
    zones_remark=maybe(text("Why the zones are only the usual ones; null when AWS said them")),
    missing=texts("Keys of the sums that are still empty"),
    missing_remark=maybe(text("Why; null when none is missing")),
    next=texts("The commands to type, in order"),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "cluster-init": (1, INIT),
}
