"""What `toolkit cluster plan` and `toolkit cluster up` print."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.cluster_apply import ChangeWord, PlanWord, UpWord
from toolkit.spec.preflight import FindingKind
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
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

CHANGE = record(
    "What happens to one resource of a stack",
    word=word("What, in a word", ChangeWord),
    logical=some("Its name in the template"),
    kind=some("Of the resource, without AWS:: before it"),
    physical=maybe(text("What it is called in AWS; null while it is not there")),
    reasons=texts("Which properties change, and which of them take another one in its place"),
    warning=maybe(text("What that does to the cluster; null: nothing that anybody notices")),
)

FINDING = record(
    "Something that AWS made known before anything was made",
    kind=word("stops: it would fail; warns: it may; unchecked: nobody could say", FindingKind),
    about=some("What was asked about"),
    message=some("What was found"),
    hint=maybe(text("What to do")),
    where=maybe(text("The cluster file, where a line of it is to blame")),
    key=maybe(text("Dotted key of the cluster file")),
    line=maybe(whole("Of the file, from 1", 1)),
)

FAILURE = record(
    "A resource of a stack that failed",
    logical=some("Its name in the template"),
    kind=some("Of the resource, without AWS:: before it"),
    status=some("CloudFormation's word"),
    reason=text("CloudFormation's reason"),
)

EARLIER = record(
    "A machine that was started with an earlier configuration",
    instance=some("Its id"),
    name=some("Its server slot, or its pool"),
)

UNIT = record(
    "Something that is billed by time or size",
    key=some("As price files name it"),
    what=some("What it is for"),
    least=whole("Units of a month, with every pool at its least"),
    most=whole("The same with every pool at its most"),
    more=flag("AWS may bill more than that"),
    price=maybe(text("Of one unit, as a decimal number; null: no price is known, which is not 0")),
)

BILL = record(
    "What a cluster is billed by",
    as_of=maybe(text("Date of the prices; null: no price file was named")),
    source=maybe(text("Where the prices are from")),
    currency=maybe(text("Of the prices")),
    least=maybe(text("A month's, of all units with a price, every pool at its least")),
    most=maybe(text("The same with every pool at its most")),
    units=many("What is billed by time or size", "unit"),
    by_use=texts("What is billed by how much it is used"),
)

EQUIPPED = record(
    "One job of a cluster's equipment",
    job=some("Its name"),
    word=some("A verdict; not begun: its turn never came"),
    code=code(),
    sentence=text("The same, as a sentence"),
    release=maybe(text("The release that was asked for")),
    next=maybe(text("The next command to type")),
)

LEFT_OUT = record(
    "A job that is equipment and that the project does not say enough about",
    job=some("Its name"),
    why=some("What is missing"),
)

EQUIPMENT = record(
    "What became of a cluster's equipment",
    code=code(),
    cluster=some("Name of the cluster"),
    environment=some("Where the jobs were deployed"),
    sentence=some("In a sentence"),
    seconds=number("It took"),
    jobs=many("In the order of their turns", "equipped"),
    left_out=many("What is not deployed", "left_out"),
)

PLAN = record(
    "`toolkit cluster plan`: what `cluster up` would do",
    name=some("Of the cluster"),
    region=some("AWS region"),
    account=some("Number of the AWS account"),
    stack=maybe(text("Status of the stack; null: there is none")),
    word=word("The plan in a word", PlanWord),
    code=code(ExitCode.OK, ExitCode.CHANGES, ExitCode.REFUSED),
    sentence=some("The same, as a sentence"),
    changes=many("Of the stack's resources, the weightiest first", "stack_change"),
    findings=many("What AWS made known", "finding"),
    checked=texts("What AWS answered for"),
    unasked=texts("What only up asks for"),
    bill=one("bill"),
    earlier=many("Machines that up would leave with an earlier configuration", "earlier_machine"),
    notes=texts("What else is to be known"),
    next=texts("Commands to type"),
)

UP = record(
    "`toolkit cluster up`: what became of a cluster",
    name=some("Of the cluster"),
    region=some("AWS region"),
    account=some("Number of the AWS account"),
    stack=maybe(text("Status of the stack as it was seen last; null: there is none")),
    word=word("What became of it", UpWord),
    code=code(),
    sentence=some("The same, as a sentence"),
    changes=many("Of the stack's resources, the weightiest first", "stack_change"),
    findings=many("What AWS made known before", "finding"),
    failures=many("Resources that failed, the first one first: it is the cause", "stack_failure"),
    waits_for=texts("Resources that CloudFormation is still at"),
    secrets=texts("Names of the secrets that were made, or made anew"),
    earlier=many("Machines of an earlier configuration", "earlier_machine"),
    equipment=maybe(one("equipment")),
    notes=texts("What else is to be known"),
    next=texts("Commands to type"),
    seconds=number("It took"),
)

PARTS: dict[str, Schema] = {
    "stack_change": CHANGE,
    "finding": FINDING,
    "stack_failure": FAILURE,
    "earlier_machine": EARLIER,
    "unit": UNIT,
    "bill": BILL,
    "equipped": EQUIPPED,
    "left_out": LEFT_OUT,
    "equipment": EQUIPMENT,
}

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "cluster-plan": (1, PLAN),
    "cluster-up": (1, UP),
}
