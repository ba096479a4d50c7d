"""A wish and what is there: what has to change, or why it is refused; pure.

What is refused first: that the name is somebody else's, then that there is nothing to remove, then
that it is not what the caller said that it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.dns.ownership import is_owner_name, owner_record
from toolkit.dns.standing import Standing, kind_of, standing_of, without_zone
from toolkit.errors import AbsentError, ChangedError, TakenError
from toolkit.spec.dns import Claim, Owner, Record, RemoveRecord, SetRecord, Wish, Zone

MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """What granting a wish makes of its name."""

    before: Standing
    after: Standing
    owner: Owner
    """Afterwards; of a removal, whose it was."""
    types: tuple[str, ...]
    """What it is about."""
    record: Record | None
    """Afterwards; None after a removal."""
    created: bool
    """No record of the type was there."""

    @property
    def changes_anything(self) -> bool:
        """Whether anything has to be sent."""
        return self.before != self.after


def decide(wish: Wish, there: Standing) -> Decision:
    """What a wish means where this is there.

    Raises TakenError, AbsentError or ChangedError.
    """
    if is_owner_name(wish.name):
        raise TakenError(f"{wish.name} is kept for owner records", hint="choose another name")
    return _set(wish, there) if isinstance(wish, SetRecord) else _remove(wish, there)


def _set(wish: SetRecord, there: Standing) -> Decision:
    record = wish.record
    _refuse_strangers(wish, there)
    claim = there.claim
    now = there.of(record.type)
    if now and not _is_ours(now, claim):
        raise _not_ours(there.name, wish.zone, now)
    _refuse_company_of_cname(record, there)
    if wish.absent and now:
        raise ChangedError(f"{record.name} has a record of type {record.type} already")
    _check_expected(wish.expected, there, now)
    others = tuple(other for other in there.records if other not in now)
    ours = [other.type for other in others if claim is not None and other.type in claim.types]
    # Who overrules an owner does not become it: what a job has goes when the job goes.
    owner = wish.owner if claim is None else claim.owner
    mark = _mark(there, owner, {*ours, record.type})
    after = standing_of(there.name, (*others, record), [mark])
    return Decision(there, after, owner, (record.type,), record, created=not now)


def _remove(wish: RemoveRecord, there: Standing) -> Decision:
    _refuse_strangers(wish, there)
    claim = there.claim
    if claim is None:
        raise AbsentError(f"{wish.name} is not in {wish.zone}")
    gone = _chosen(wish, there, claim)
    _check_expected(wish.expected, there, gone)
    left = tuple(record for record in there.records if record not in gone)
    ours = {record.type for record in left if record.type in claim.types}
    marks = [_mark(there, claim.owner, ours)] if ours else []
    after = standing_of(there.name, left, marks)
    types = tuple(sorted({record.type for record in gone} or claim.types))
    return Decision(there, after, claim.owner, types, None, created=False)


def _chosen(wish: RemoveRecord, there: Standing, claim: Claim) -> tuple[Record, ...]:
    """The records that go; none where only an owner record was left, which goes then."""
    ours = there.owned
    types = {record.type for record in ours}
    if wish.type is None and len(types) > 1:
        raise TakenError(
            f"{wish.name} has records of the types {', '.join(sorted(types))}",
            owner=str(claim.owner),
            hint="say which type is meant",
        )
    if wish.type is None and wish.granted is not None and not types <= wish.granted:
        # It came to be since the policy was asked, which was not asked about it.
        raise ChangedError(
            f"{wish.name} has got a record of type {', '.join(types)} meanwhile",
            hint="say which type is meant",
        )
    if wish.type is None or wish.type == "*":
        return ours
    now = there.of(wish.type)
    if now and not _is_ours(now, claim):
        raise _not_ours(there.name, wish.zone, now)
    if not now and ours:
        raise AbsentError(f"{wish.name} has no record of type {wish.type} in {wish.zone}")
    if not now and wish.type not in claim.types:
        raise AbsentError(f"{wish.name} is not in {wish.zone}")
    return now


def _refuse_strangers(wish: Wish, there: Standing) -> None:
    """Nothing without our owner record is touched, and nothing that another owner's says."""
    claim = there.claim
    if claim is None:
        if there.marks:
            raise _not_ours(there.marks[0].name, wish.zone, there.marks)
        foreign = without_zone(there, wish.zone.name).records
        if foreign:
            raise _not_ours(there.name, wish.zone, foreign)
        return
    if claim.owner == wish.owner:
        return
    same_cluster = claim.owner.cluster == wish.owner.cluster
    if same_cluster and wish.overrule and wish.owner.kind == "people":
        return
    hint = "ask its owner, or choose another name"
    if same_cluster and wish.owner.kind == "people":
        hint = "remove it from that job, or have `overrule = true` in the policy"
    raise TakenError(
        f"{wish.name} in {wish.zone} belongs to {claim.owner}", owner=str(claim.owner), hint=hint
    )


def _is_ours(records: tuple[Record, ...], claim: Claim | None) -> bool:
    """Whether the records of one type are one of ours, and no routed ones of somebody else."""
    return claim is not None and len(records) == 1 and records[0].type in claim.types


def _refuse_company_of_cname(record: Record, there: Standing) -> None:
    """A CNAME stands alone at its name: the provider would refuse it, and says it less well."""
    others = [other for other in there.records if kind_of(other) != record.type]
    if record.type == "CNAME" and others:
        types = ", ".join(sorted({other.type for other in others}))
        raise TakenError(
            f"{record.name} has records of type {types}, and a CNAME stands alone at its name",
            owner=str(there.owner or ""),
            hint="remove them first",
        )
    if any(kind_of(other) == "CNAME" for other in others):
        raise TakenError(
            f"{record.name} has a CNAME, which stands alone at its name",
            owner=str(there.owner or ""),
            hint="remove it first",
        )


def _check_expected(expected: str | None, there: Standing, now: tuple[Record, ...]) -> None:
    if (
        expected is None
        or (expected == "*" and now)
        or (expected != "*" and expected == there.etag)
    ):
        return
    what = "there is none" if not now else "it has been changed since"
    raise ChangedError(
        f"{there.name} is not what the request says that it is: {what}",
        hint="read it again, and decide again",
    )


def _mark(there: Standing, owner: Owner, types: set[str]) -> Record:
    """The owner record afterwards; as it stood, its TTL too, where it says the same."""
    claim = Claim(owner, tuple(sorted(types)))
    if there.claim == claim:
        return there.marks[0]
    mark = owner_record(there.name, claim)
    return replace(mark, ttl=there.marks[0].ttl) if there.marks else mark


def _not_ours(name: str, zone: Zone, records: tuple[Record, ...]) -> TakenError:
    """Names what is there, shortened: whoever made it, it was not one of us."""
    shown = "; ".join(_short(record) for record in records[:MOST_SHOWN])
    more = f" and {len(records) - MOST_SHOWN} more" if len(records) > MOST_SHOWN else ""
    return TakenError(
        f"{name} in {zone} was not made by toolkit and is left alone: {shown}{more}",
        hint="remove it where it was made, or choose another name",
    )


def _short(record: Record) -> str:
    said = ", ".join(record.values) if record.alias is None else f"alias {record.alias.target}"
    said = "".join(char if char.isprintable() else "�" for char in said)
    return f"{record.type} {said if len(said) <= 80 else said[:79] + '…'}"
