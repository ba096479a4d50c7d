"""The XML of Route 53's REST API, version 2013-04-01: as much of it as the fake speaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tests.services.kick.fakes.route53_rules import TYPES, RRSet, Step, canonical

SPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
HEAD = '<?xml version="1.0"?>\n'
LARGEST_TTL = 2147483647
_ROUTING = ("Weight", "Region", "Failover", "MultiValueAnswer", "HealthCheckId")
_NESTED = ("GeoLocation", "CidrRoutingConfig", "GeoProximityLocation")


class MalformedError(ValueError):
    """A request that Route 53 does not understand."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_batch(body: bytes) -> tuple[list[Step], str]:
    """The steps and the comment of a ChangeResourceRecordSetsRequest."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError as exc:
        raise MalformedError("MalformedInput", "Unable to parse the request") from exc
    if _tag(root) != "ChangeResourceRecordSetsRequest":
        message = "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest"
        raise MalformedError("MalformedInput", message)
    batch = _child(root, "ChangeBatch")
    changes = _child(batch, "Changes")
    comment = _text(batch, "Comment")
    if len(comment) > 256:
        raise MalformedError("InvalidInput", "Comment is longer than 256 characters")
    steps = [_step(change) for change in (changes if changes is not None else ())]
    if not steps:
        raise MalformedError("InvalidInput", "Changes must have at least 1 member")
    return steps, comment


def _step(change: ET.Element) -> Step:
    action = _text(change, "Action")
    if action not in {"CREATE", "DELETE", "UPSERT"}:
        raise MalformedError("InvalidInput", f"Invalid XML ; Value '{action}' is not facet-valid")
    found = _child(change, "ResourceRecordSet")
    type_ = _text(found, "Type")
    if type_ not in TYPES:
        raise MalformedError("InvalidInput", f"Value '{type_}' is not facet-valid for 'RRType'")
    ttl, alias = _text(found, "TTL"), _child(found, "AliasTarget")
    records = _child(found, "ResourceRecords")
    values = tuple(_text(each, "Value") for each in (records if records is not None else ()))
    if (alias is None) == (not values) or bool(ttl) != bool(values):
        # SEEN, in moto's and in users' words
        raise MalformedError(
            "InvalidInput",
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
            "ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with "
            f"[Action={action}, Name={_text(found, 'Name')}, Type={type_}, SetIdentifier=null]",
        )
    if ttl and not 0 <= int(ttl) <= LARGEST_TTL:
        # OWN, after what AWS says of other numbers
        raise MalformedError(
            "InvalidInput",
            f"1 validation error detected: Value '{ttl}' at 'tTL' failed to satisfy constraint",
        )
    routing = [(key, _text(found, key)) for key in _ROUTING if _child(found, key) is not None]
    routing += [(key, "yes") for key in _NESTED if _child(found, key) is not None]
    return Step(
        action,
        RRSet(
            canonical(_text(found, "Name")),
            type_,
            int(ttl) if ttl else None,
            values,
            None
            if alias is None
            else (
                _text(alias, "HostedZoneId"),
                canonical(_text(alias, "DNSName")),
                _text(alias, "EvaluateTargetHealth") == "true",
            ),
            _text(found, "SetIdentifier"),
            tuple(routing),
        ),
    )


def changed(change: str, status: str) -> bytes:
    info = (
        f"<ChangeInfo><Id>/change/{change}</Id><Status>{status}</Status>"
        "<SubmittedAt>2026-01-02T03:04:05.678Z</SubmittedAt></ChangeInfo>"
    )
    return _document("ChangeResourceRecordSetsResponse", info)


def change_state(change: str, status: str) -> bytes:
    return changed(change, status).replace(
        b"ChangeResourceRecordSetsResponse", b"GetChangeResponse"
    )


def listing(sets: Sequence[RRSet], following: RRSet | None, most: int) -> bytes:
    parts = "".join(map(_rrset, sets))
    text = f"<ResourceRecordSets>{parts}</ResourceRecordSets>"
    text += f"<IsTruncated>{'true' if following else 'false'}</IsTruncated>"
    if following is not None:
        text += _element("NextRecordName", following.name)
        text += _element("NextRecordType", following.type)
        text += _element("NextRecordIdentifier", following.identifier)
    return _document("ListResourceRecordSetsResponse", text + f"<MaxItems>{most}</MaxItems>")


def problem(code: str, message: str, request: str) -> bytes:
    inner = (
        f"<Error><Type>Sender</Type>{_element('Code', code)}{_element('Message', message)}</Error>"
    )
    return _document("ErrorResponse", f"{inner}<RequestId>{request}</RequestId>")


def refused(messages: Iterable[str], request: str, *, listed: bool) -> bytes:
    """InvalidChangeBatch: as the documentation shows it, `listed`, or as AWS was seen to say it."""
    if not listed:
        return problem("InvalidChangeBatch", f"[{', '.join(messages)}]", request)
    parts = "".join(_element("Message", each) for each in messages)
    text = f"<Messages>{parts}</Messages><RequestId>{request}</RequestId>"
    return _document("InvalidChangeBatch", text)


def _rrset(found: RRSet) -> str:
    text = _element("Name", found.name) + _element("Type", found.type)
    text += _element("SetIdentifier", found.identifier)
    for key, value in found.routing:
        nested = key in _NESTED
        text += f"<{key}><CountryCode>*</CountryCode></{key}>" if nested else _element(key, value)
    if found.alias is not None:
        zone, name, healthy = found.alias
        return (
            f"<ResourceRecordSet>{text}<AliasTarget><HostedZoneId>{zone}</HostedZoneId>"
            f"{_element('DNSName', name)}<EvaluateTargetHealth>{str(healthy).lower()}"
            "</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>"
        )
    values = "".join(
        f"<ResourceRecord>{_element('Value', value)}</ResourceRecord>" for value in found.values
    )
    text += f"<TTL>{found.ttl}</TTL><ResourceRecords>{values}</ResourceRecords>"
    return f"<ResourceRecordSet>{text}</ResourceRecordSet>"


def _document(name: str, inner: str) -> bytes:
    return f'{HEAD}<{name} xmlns="{SPACE}">{inner}</{name}>'.encode()


def _element(name: str, text: str) -> str:
    # XML has no way to say most control characters; Route 53 escapes them before it comes to that.
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _tag(element: ET.Element) -> str:
    return re.sub(r"^\{.*\}", "", element.tag)


def _child(element: ET.Element | None, name: str) -> ET.Element | None:
    if element is None:
        return None
    return next((each for each in element if _tag(each) == name), None)


def _text(element: ET.Element | None, name: str) -> str:
    found = _child(element, name)
    return "" if found is None or found.text is None else found.text
