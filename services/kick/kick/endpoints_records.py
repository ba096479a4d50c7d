"""`/records` and `/record/{hostname}`: what may be asked of DNS.

The policy is asked about every request before anything of the zones is told, and once more by the
writer, which alone knows how many records an owner holds at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kick import records_shown as shown
from kick.actions import RECORD, Action, Ask
from kick.endpoints_statuses import may_use
from kick.problems import AMBIGUOUS
from toolkit.dns.names import normalise, wanted_name
from toolkit.dns.policy import may_overrule, may_see, permit_removal, zone_for
from toolkit.dns.records import LONGEST_NAME, REQUEST_SCHEMA, from_request
from toolkit.errors import AbsentError, ForbiddenError
from toolkit.serving.actions import JSON, Answer, Query, Schema
from toolkit.serving.problems import ProblemError
from toolkit.serving.schemas import invalid
from toolkit.spec.dns import WRITABLE, Owner, RemoveRecord, SetRecord, Written, Zone
from toolkit.spec.identity import Workload

_VISIBILITY: Schema = {"type": "string", "enum": ["public", "private"]}
_TYPE: Schema = {"type": "string", "enum": list(WRITABLE)}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_CHANGES = ("conflict", "precondition-failed", "key-reused", "provider-refused",
            "outcome-unknown", "audit-unavailable")  # fmt: skip
_ASKED = 5
"""Records of a list about whose last change the provider may be asked."""
_PRECONDITIONS = ("If-Match", "If-None-Match", "Idempotency-Key")
PUT_SCHEMA: Schema = {
    **REQUEST_SCHEMA,
    "required": [name for name in REQUEST_SCHEMA.get("required", ()) if name != "hostname"],
}


@dataclass(frozen=True, slots=True)
class Named:
    """A name that is read: where it is, and what is there."""

    zone: Zone
    name: str
    type: str | None


def owner_of(ask: Ask) -> Owner:
    """Whom a record that the caller sets belongs to: its job, or the people of the cluster."""
    cluster, caller = ask.server.config.cluster, ask.caller
    if isinstance(caller, Workload):
        return Owner(cluster, "job", caller.namespace, caller.job)
    return Owner(cluster, "people")


# --- setting -----------------------------------------------------------------------------------


def _may_set(ask: Ask) -> SetRecord:
    """What is wished for, where policy grants it."""
    kick = ask.server
    asked = from_request(_asked(ask), default_ttl=kick.config.ttl)
    record = asked.record
    policy = kick.config.policy
    zone = zone_for(policy, record.name, asked.zone)
    kick.permit(ask.caller, zone, record, held=0)
    return SetRecord(
        zone,
        record,
        owner_of(ask),
        expected=_expected(ask.if_match),
        absent=_is_any(ask.if_none_match),
        overrule=may_overrule(policy, ask.caller, zone, record.name, record.type),
    )


def _asked(ask: Ask) -> Any:
    """The body, with the name that the path says: a record is never set at another name."""
    path = ask.path.get("hostname")
    if path is None or not isinstance(ask.body, dict):
        return ask.body
    body = dict(ask.body)
    said = body.get("hostname")
    if isinstance(said, str) and normalise(said) != normalise(path):
        raise invalid([("hostname", "is another than in the path: records are not renamed")])
    body.setdefault("hostname", path)
    for name in ("type", "zone"):
        if name in ask.query and body.setdefault(name, ask.query[name]) != ask.query[name]:
            raise invalid([(name, "is another than in the query")])
    return body


def _set(ask: Ask, wish: SetRecord) -> Answer:
    written: Written = ask.server.writer.write(
        wish, caller=ask.caller, key=ask.idempotency_key, request=ask.request
    )
    headers = shown.headers(written)
    if ask.path:
        return Answer(shown.written(written), 201 if written.created else 200, headers)
    where = f"/record/{quote(written.name)}?type={written.type}&zone={written.zone.visibility}"
    status = 201 if written.changed else 200
    return Answer(shown.written(written), status, headers | {"Location": where})


# --- reading and removing ----------------------------------------------------------------------


def _may_read(ask: Ask) -> Named:
    """A name that the caller may set, or that is its own already."""
    policy = ask.server.config.policy
    name = normalise(ask.path["hostname"])
    zone = zone_for(policy, name, ask.query.get("zone"))
    if not _sees(ask, zone, name, ask.server.writer.mirror.at(zone, name).owner):
        raise ForbiddenError(
            f"{ask.caller} has no rule for {name} in {zone}",
            hint="a caller reads what it may set, and what is its own",
        )
    return Named(zone, name, ask.query.get("type"))


def _read(ask: Ask, named: Named) -> Answer:
    there = ask.server.writer.mirror.at(named.zone, named.name)
    found = [record for record in there.owned if named.type in (None, record.type)]
    if not found or there.owner is None:
        raise AbsentError(_nothing(named))
    if len(found) > 1:
        raise _ambiguous(named, [record.type for record in found])
    headers = {"ETag": f'"{there.etag}"'}
    if ask.if_none_match is not None and there.etag in _tags(ask.if_none_match):
        return Answer(None, 304, headers)
    state = ask.server.writer.state(named.zone, named.name)
    return Answer(shown.record(named.zone, found[0], there.owner, state), 200, headers)


def _may_remove(ask: Ask) -> RemoveRecord:
    """What is to go, one type of one name, where policy grants it."""
    policy, query = ask.server.config.policy, ask.query
    name = wanted_name(ask.path["hostname"])
    zone = zone_for(policy, name, query.get("zone"))
    wanted = query.get("type")
    types = [wanted] if wanted else _types_there(ask, zone, name)
    for type_ in types:
        permit_removal(policy, ask.caller, zone, name, type_)
    return RemoveRecord(
        zone,
        name,
        wanted,
        owner_of(ask),
        expected=_expected(ask.if_match),
        overrule=any(may_overrule(policy, ask.caller, zone, name, type_) for type_ in types),
        granted=frozenset(types),
    )


def _types_there(ask: Ask, zone: Zone, name: str) -> list[str]:
    """The one type that a request means which says none; none at all where nothing is there.

    Then the writer decides: it may have removed it for this very request's key.
    """
    named = _may_read(ask)
    types = [record.type for record in ask.server.writer.mirror.at(zone, name).owned]
    if len(types) > 1:
        raise _ambiguous(named, types)
    return types


def _remove(ask: Ask, wish: RemoveRecord) -> Answer:
    written: Written = ask.server.writer.write(
        wish, caller=ask.caller, key=ask.idempotency_key, request=ask.request
    )
    return Answer(shown.written(written), 200)


def _nothing(named: Named) -> str:
    what = f"record of type {named.type}" if named.type else "record"
    return f"{named.name} has no {what} of toolkit's in {named.zone}"


def _ambiguous(named: Named, types: list[str]) -> ProblemError:
    types = sorted(types)
    return ProblemError(
        AMBIGUOUS,
        f"{named.name} in {named.zone} has records of the types {', '.join(types)}",
        types=types,
        hint="say which type is meant: ?type=" + types[0],
    )


# --- listing -----------------------------------------------------------------------------------


def _list(ask: Ask, _: None) -> Answer:
    kick, query = ask.server, ask.query
    rows = []
    for zone in kick.config.zones:
        if query.get("zone") not in (None, zone.visibility):
            continue
        for there in kick.writer.mirror.standings(zone):
            owner = there.owner
            if owner is None or query.get("owner") not in (None, str(owner), _short(owner)):
                continue
            if not _sees(ask, zone, there.name, owner):
                continue
            rows += [
                (shown.place(zone, record), zone, record, owner)
                for record in there.owned
                if query.get("type") in (None, record.type)
            ]
    rows.sort(key=lambda row: row[0])
    after = shown.read_cursor(query["cursor"]) if "cursor" in query else None
    rows = [row for row in rows if after is None or row[0] > after]
    limit = query.get("limit", 100)
    # The provider is asked about the first few only: a page of changes on their way would take
    # minutes of its calls. Who waits for one record asks for that.
    page = [
        shown.record(zone, record, owner, kick.writer.state(zone, record.name, ask=place < _ASKED))
        for place, (_, zone, record, owner) in enumerate(rows[:limit])
    ]
    more = shown.cursor(rows[limit - 1][0]) if len(rows) > limit else None
    return Answer({"records": page, "next": more})


def _sees(ask: Ask, zone: Zone, name: str, owner: Owner | None) -> bool:
    """A caller reads what it could set, and what is its own already."""
    return owner == owner_of(ask) or may_see(ask.server.config.policy, ask.caller, zone, name)


def _short(owner: Owner) -> str:
    return f"{owner.namespace}/{owner.job}" if owner.kind == "job" else "people"


# --- preconditions -----------------------------------------------------------------------------


def _tags(header: str) -> set[str]:
    """Entity tags as they are compared: strongly, so a weak one equals none."""
    return {part.strip().removeprefix('"').removesuffix('"') for part in header.split(",")}


def _expected(header: str | None) -> str | None:
    if header is None:
        return None
    if header == "*":
        return "*"
    if "," in header or not (len(header) > 2 and header[0] == header[-1] == '"'):
        raise ProblemError("malformed", 'If-Match has to be one entity tag in quotes, or "*"')
    return header[1:-1]


def _is_any(header: str | None) -> bool:
    if header in (None, "*"):
        return header is not None
    raise ProblemError("malformed", "If-None-Match of a change can only be *")


ACTIONS = (
    Action(
        name="records.set",
        method="POST",
        path="/records",
        summary="Let a name have a record, and be the caller's",
        policy=_may_set,
        effect=_set,
        audit="itself",
        answers={200: shown.RECORD_SCHEMA, 201: shown.RECORD_SCHEMA},
        body=REQUEST_SCHEMA,
        checks_body="policy",
        media=(JSON, RECORD),
        answer_media=(RECORD,),
        headers=_PRECONDITIONS,
        problems=_CHANGES,
    ),
    Action(
        name="records.list",
        method="GET",
        path="/records",
        summary="Records that toolkit made and the caller may see, by zone and name",
        policy=may_use,
        effect=_list,
        audit="reads",
        answers={200: shown.LIST_SCHEMA},
        query=(
            Query("type", _TYPE, "Only of this type"),
            Query("zone", _VISIBILITY, "Only in zones of this visibility"),
            Query("owner", _NAME, "Only of this owner: `namespace/job` or `people`"),
            Query("limit", {"type": "integer", "minimum": 1, "maximum": 200}, "At most so many"),
            Query("cursor", _NAME, "`next` of the page before"),
        ),
    ),
    Action(
        name="record.read",
        method="GET",
        path="/record/{hostname}",
        summary="One record, and how far its last change has got",
        policy=_may_read,
        effect=_read,
        audit="reads",
        answers={200: shown.RECORD_SCHEMA, 304: None},
        answer_media=(RECORD,),
        query=(Query("type", _TYPE, "Which"), Query("zone", _VISIBILITY, "Where")),
        headers=("If-None-Match",),
        path_schemas={"hostname": _NAME},
        problems=("ambiguous",),
    ),
    Action(
        name="record.set",
        method="PUT",
        path="/record/{hostname}",
        summary="Let this name have a record, and be the caller's",
        policy=_may_set,
        effect=_set,
        audit="itself",
        answers={200: shown.RECORD_SCHEMA, 201: shown.RECORD_SCHEMA},
        body=PUT_SCHEMA,
        checks_body="policy",
        media=(JSON, RECORD),
        answer_media=(RECORD,),
        query=(Query("type", _TYPE, "Which"), Query("zone", _VISIBILITY, "Where")),
        headers=_PRECONDITIONS,
        path_schemas={"hostname": _NAME},
        problems=_CHANGES,
    ),
    Action(
        name="record.remove",
        method="DELETE",
        path="/record/{hostname}",
        summary="Let this name not have the record of one type any more",
        policy=_may_remove,
        effect=_remove,
        audit="itself",
        answers={200: shown.RECORD_SCHEMA},
        answer_media=(RECORD,),
        query=(Query("type", _TYPE, "Which"), Query("zone", _VISIBILITY, "Where")),
        headers=("If-Match", "Idempotency-Key"),
        path_schemas={"hostname": _NAME},
        problems=("ambiguous", *_CHANGES),
    ),
)
