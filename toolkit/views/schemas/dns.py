"""What the commands of `toolkit dns` print."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.dns_reports import DnsVerdict
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    mapping,
    maybe,
    number,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

RECORD = record(
    "A record that the kick server keeps",
    name=some("Host name, lower case, no trailing dot; a wildcard begins with `*.`"),
    type=some("A, AAAA, CNAME, TXT or SRV"),
    zone=text("public or private"),
    values=texts("All of them; of an alias none"),
    ttl=maybe(whole("Seconds; null of an alias")),
    alias=maybe(text("The load balancer that an alias follows")),
    owner=text("Whose it is: `namespace/job of cluster …`, or `people of cluster …`"),
    state=maybe(word("PENDING: not all of the provider's servers have it", ["PENDING", "INSYNC"])),
)

STEP = record(
    "One change of a turn",
    action=word("What it is", ["create", "update", "delete"]),
    name=some("Host name"),
    type=some("A, AAAA, CNAME, TXT or SRV"),
    zone=text("public or private"),
    owner=text("Whose it is or becomes"),
    before=texts("What it has"),
    after=texts("What it gets"),
    ttl=maybe(whole("Seconds, afterwards")),
    why=text("What it follows from"),
    result=word("Empty in a plan", ["", "done", "failed"]),
    detail=text("Why it failed"),
)

HELD = record(
    "A name that is left as it is, although a job asks for something else",
    name=text("Host name, as it was written"),
    type=text("A, AAAA, CNAME, TXT or SRV; empty where that is not the point"),
    zone=maybe(text("public or private; null where no zone is its own")),
    owner=text("Who asks"),
    reason=text("Slug, such as policy, taken or no-instance"),
    detail=text("The same in a sentence"),
    refused=flag("True when it does not come right by itself"),
)

LEAVING = record(
    "A name whose job asks for it no longer",
    name=some("Host name"),
    types=texts("Types of its records"),
    zone=text("public or private"),
    owner=text("Whose it is"),
    why=text("Why it goes"),
    seconds=maybe(number("Until it goes; null: never, the server does not delete")),
)

ENTRY = record(
    "One entry of the audit; what its own line leaves out is empty here",
    seq=whole("From 1, without gaps", 1),
    intent=whole("Of an outcome: the entry that said what was to be done"),
    time=text("UTC, by the server's clock"),
    kind=word("intent: before it is done; outcome: afterwards", ["intent", "outcome"]),
    action=some("Such as dns.set"),
    subject=text("What it is about, such as a name"),
    zone=text("Where"),
    via=text("request or discovery"),
    request=text("Id of the request"),
    key=text("Idempotency-Key"),
    fingerprint=text("Digest of what was asked"),
    result=text("Of an outcome: done, not done, refused, failed or unknown"),
    detail=text("More of that"),
    prev=some("Hash of the entry before"),
    hash=some("Over everything else in the line"),
    actor=one("dns_actor"),
    before={"description": "What there was; null: it does not say"},
    after={"description": "What there is to be, or the provider's answer; null: it does not say"},
)

ACTOR = record(
    "Who did it: verified, never claimed",
    kind=word("A task of a job, or the holder of an ACL token", ["workload", "person"]),
    namespace=text("Of a workload"),
    job=text("Of a workload"),
    task=text("Of a workload"),
    allocation=text("Of a workload"),
    accessor=text("Of a person's token"),
    name=text("Of a person's token"),
)

PARTS: dict[str, Schema] = {
    "dns_actor": ACTOR,
    "dns_entry": ENTRY,
    "dns_held": HELD,
    "dns_leaving": LEAVING,
    "dns_record": RECORD,
    "dns_step": STEP,
}

_ADDRESS = text("The kick server's address")
_ENVIRONMENT = some("The environment of toolkit.toml")

LIST = record(
    "`toolkit dns list`: the records that the kick server keeps and one may see",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    records=many("By zone, name and type", "dns_record"),
)

CHANGE = record(
    "`toolkit dns set` and `delete`: one record, before and after",
    verdict=word("pending: changed, and not answered everywhere in time", DnsVerdict),
    code=code(ExitCode.OK, ExitCode.UNKNOWN),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    name=some("Host name"),
    type=some("A, AAAA, CNAME, TXT or SRV"),
    before=maybe(one("dns_record")),
    after=maybe(one("dns_record")),
    notes=texts("What could not be seen, and remarks"),
    next=maybe(text("What shows the answer, in a local cluster")),
    seconds=number("From the request to the end of the wait"),
)

TURN = record(
    "`toolkit dns plan` and `sync`: what follows from the jobs, and what is kept from it",
    action=word("plan: nothing was changed", ["plan", "sync"]),
    code=code(ExitCode.OK, ExitCode.FAILED, ExitCode.CHANGES),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    steps=many("What changes, or was changed", "dns_step"),
    held=many("Names that are left as they are, and why", "dns_held"),
    leaving=many("Names that go later", "dns_leaving"),
    unchanged=whole("Records that are as the jobs ask"),
    jobs=whole("Living jobs that ask for names"),
    seconds=number("How long the turn took"),
)

AUDIT = record(
    "`toolkit dns audit`: who changed what",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    entries=many("Oldest first", "dns_entry"),
    verified=maybe(flag("True: the chain of hashes was computed again; null: not asked")),
    head=text("Hash of the newest entry"),
    count=whole("Entries of the whole audit"),
    anchor=maybe(text("SEQ:HASH that the chain was computed from; null: from its first entry on")),
)

IAM = record(
    "`toolkit dns iam`: the policy of the role that the kick server takes on",
    source=some("The kick.toml that it follows from"),
    policy=mapping("The policy document, as IAM takes it", {}),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "dns-audit": (1, AUDIT),
    "dns-change": (1, CHANGE),
    "dns-iam": (1, IAM),
    "dns-list": (1, LIST),
    "dns-turn": (1, TURN),
}
