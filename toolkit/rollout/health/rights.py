"""What each of our commands needs, and whether our tokens may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from toolkit.rollout import last_verified, lock
from toolkit.rollout.health.facts import Token
from toolkit.rollout.health.look import Look, blind
from toolkit.rollout.health.policy import Grants
from toolkit.rollout.variable_path import STACKS
from toolkit.spec.doctor import Check, MayWord, Right

HOUR = 3600.0
SOON = 24 * HOUR
JOBS = "nomad/jobs/"
"""Before the name of a job in the path of its variable."""


@dataclass(frozen=True, slots=True)
class Need:
    """One right; `any_of` names what grants it."""

    kind: Literal["job", "everywhere", "variables", "secrets", "locks", "level", "consul"]
    any_of: tuple[str, ...]

    def text(self, namespace: str) -> str:
        """`submit-job or register-job in namespace default`."""
        said = " or ".join(self.any_of)
        match self.kind:
            case "job":
                return f"{said} in namespace {namespace}"
            case "everywhere":
                return f"{said} in all namespaces"
            case "variables":
                return f"{said} on variables below nomad/jobs in namespace {namespace}"
            case "secrets":
                return f"{said} on variables of jobs that have secrets in namespace {namespace}"
            case "locks":
                return f"{said} on the variables {lock.PREFIX}* in namespace {namespace}"
            case "level":
                return f"{said}:read"
            case "consul":
                return f"{said} in Consul"


def _job(*any_of: str) -> Need:
    return Need("job", any_of)


PARSE = _job("parse-job", "submit-job")
READ = _job("read-job")
LIST = _job("list-jobs")
PLAN = _job("submit-job", "plan-job")
REGISTER = _job("submit-job", "register-job")
PROMOTE = _job("submit-job", "promote-deployment")
FAIL = _job("submit-job", "fail-deployment")
PAUSE = _job("submit-job", "pause-deployment")
SCALE = _job("scale-job", "submit-job")
STOP = _job("submit-job", "deregister-job", "purge-job")
RESTART = _job("alloc-lifecycle")
DISPATCH = _job("dispatch-job")
LOGS = _job("read-logs", "read-fs")
EVERYWHERE = Need("everywhere", ("read-job",))
NODES, AGENT, OPERATOR = (Need("level", (what,)) for what in ("node", "agent", "operator"))
CONSUL = Need("consul", ("service:read and node:read",))

SECRETS = Need("secrets", ("read",))
"""Only where one of our jobs has secrets: that they are set is looked up before a submit."""

LOCK = Need("locks", ("write",))
"""Without it a deploy takes no lock, and says so: no command but `unlock` needs it."""

_ROLL = (PARSE, READ, PLAN, REGISTER, PROMOTE, FAIL, SECRETS, CONSUL)

NEEDS: dict[str, tuple[Need, ...]] = {
    "validate": (PARSE, READ),
    "plan": (PARSE, READ, PLAN, SECRETS),
    "deploy": _ROLL,
    "attach": (READ, PROMOTE, FAIL, CONSUL),
    "bump": _ROLL,
    "rollback": _ROLL,
    "run": (PARSE, READ, PLAN, REGISTER, LOGS, SECRETS),
    "dispatch": (READ, DISPATCH, LOGS),
    "verify": (READ, CONSUL),
    "status": (LIST, READ, CONSUL),
    "history": (READ,),
    "report": (READ,),
    "logs": (READ, LOGS),
    "explain": (READ, LOGS, CONSUL),
    "why-not": (READ, PLAN, NODES, EVERYWHERE),
    "doctor": (READ, AGENT, NODES, OPERATOR, CONSUL),
    "scale": (READ, SCALE, CONSUL),
    "restart": (READ, RESTART, CONSUL),
    "stop": (READ, STOP),
    "promote": (READ, PROMOTE, CONSUL),
    "abort": (READ, FAIL),
    "pause": (READ, PAUSE),
    "resume": (READ, PAUSE),
    "unlock": (READ, Need("locks", ("read",)), LOCK),
    "secret set": (Need("variables", ("read",)), Need("variables", ("write",))),
    "secret list": (Need("variables", ("read",)),),
    "secret delete": (Need("variables", ("read",)), Need("variables", ("destroy",))),
}
"""Command -> what it cannot do without. Those that are not here ask none, or our servers."""


@dataclass(frozen=True, slots=True)
class Powers:
    """What is known of our rights."""

    namespace: str
    paths: tuple[str, ...]
    """Paths of the variables of our jobs."""
    secret: tuple[str, ...]
    """Those of them whose jobs say that they have secrets."""
    grants: Grants | None
    """None: the policies cannot be read."""
    tried: Mapping[str, bool] = field(default_factory=dict)
    """What harmless reads showed, where the policies cannot be read: capability -> granted."""
    consul: bool | None = None
    """Whether all of our services and nodes may be read in Consul."""

    def may(self, need: Need) -> bool | None:
        """Whether the right is there; None when it cannot be told."""
        if need.kind == "consul":
            return self.consul
        if need.kind == "secrets" and not self.secret:
            return True
        if self.grants is None:
            return self._by_trial(need)
        match need.kind:
            case "job":
                return self.grants.allows(self.namespace, *need.any_of)
            case "everywhere":
                return self.grants.allows_everywhere(need.any_of[0])
            case "variables" | "secrets":
                paths = self.paths if need.kind == "variables" else self.secret
                return all(
                    self.grants.allows_variable(self.namespace, path, need.any_of[0])
                    for path in paths
                )
            case "locks":
                return all(
                    self.grants.allows_variable(
                        self.namespace, lock.path_of(path.removeprefix(JOBS)), need.any_of[0]
                    )
                    for path in self.paths
                )
            case "level":
                return self.grants.reads(need.any_of[0])

    def _by_trial(self, need: Need) -> bool | None:
        # What a read of one variable showed is only surely so of that one.
        return None if need.kind == "secrets" else self.tried.get(need.text(""))


def table(powers: Powers) -> tuple[Right, ...]:
    """A row for each of our commands."""
    return tuple(_row(command, needs, powers) for command, needs in NEEDS.items())


def _row(command: str, needs: Sequence[Need], powers: Powers) -> Right:
    answers = {need: powers.may(need) for need in needs}
    denied = [need for need, may in answers.items() if may is False]
    open_ = [need for need, may in answers.items() if may is None]
    may: MayWord = "may not" if denied else "could not tell" if open_ else "may"
    return Right(command, may, tuple(need.text(powers.namespace) for need in denied or open_))


def judge(name: str, token: Look[Token], powers: Look[Powers]) -> Check:
    """Whether the tokens may do what our commands do."""
    if powers.value is None:
        return blind(name, "our rights", powers) or Check(
            name, "could not tell", "our rights were not seen"
        )
    rows = table(powers.value)
    who = "anybody" if token.value is not None and token.value.kind == "off" else "our tokens"
    denied = [row for row in rows if row.may == "may not"]
    open_ = [row for row in rows if row.may == "could not tell"]
    evidence = (
        tuple(_by_right("may", [(row.command, ("may",)) for row in rows if row.may == "may"]))
        + tuple(_by_right("lacks", [(row.command, row.lacks) for row in denied]))
        + tuple(_by_right("not known", [(row.command, row.lacks) for row in open_]))
    )
    notes = _done_without(powers.value)
    if denied:
        return Check(
            name, "failed", f"{who} may not {_some(denied)}", evidence, notes,
            advice="grant what is lacking, if it should; `policy = \"write\"` for the namespace, "
            "and `policy = \"read\"` for `node`, `agent` and `operator`, have all but variables",
        )  # fmt: skip
    if open_:
        return Check(
            name, "could not tell", f"whether {who} may {_some(open_)} is not shown to us",
            evidence, notes, advice="a token that can read its own policies can tell",
        )  # fmt: skip
    return Check(name, "passed", f"{who} may run all of our {len(rows)} commands", notes=notes)


def _done_without(powers: Powers) -> tuple[str, ...]:
    """What our commands do without where our token lacks a right that none of them needs."""
    if powers.grants is None:
        return ()
    found = []
    if powers.may(LOCK) is False:
        found.append(f"deploys take no lock: no write on the variables {lock.PREFIX}*")
    kept = [last_verified.path_of(path.removeprefix(JOBS)) for path in powers.paths]
    if not all(powers.grants.allows_variable(powers.namespace, path, "write") for path in kept):
        found.append(
            "what was verified last is not kept for rollback: no write on the variables "
            f"{last_verified.PREFIX}*"
        )
    if not powers.grants.allows_variable(powers.namespace, f"{STACKS}any", "write"):
        found.append(
            "what a stack was verified at is not kept for rollback --all: no write on the "
            f"variables {STACKS}*"
        )
    return tuple(found)


def _by_right(word: str, lacking: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """A line for each right, with the commands that it concerns."""
    found: dict[str, list[str]] = {}
    for command, texts in lacking:
        for text in texts:
            found.setdefault(text, []).append(command)
    if word == "may":
        return [f"may {', '.join(commands)}" for commands in found.values()]
    return [f"{word} {text}: {', '.join(commands)}" for text, commands in found.items()]


def _some(rows: Sequence[Right]) -> str:
    if len(rows) == len(NEEDS):
        return "run any of our commands"
    shown = ", ".join(row.command for row in rows[:6])
    return shown + (f" and {len(rows) - 6} more" if len(rows) > 6 else "")


def judge_token(
    name: str, token: Look[Token], grants: Look[Grants], now: float, *, given: bool
) -> Check:
    """Who Nomad takes us for, and for how long; `given`: we came with a token."""
    if token.kind == "denied":
        return Check(name, "failed", token.problem, advice=token.hint)
    if token.value is None:
        return blind(name, "who we are", token) or Check(
            name, "could not tell", "who we are was not seen"
        )
    who = token.value
    if who.kind == "off":
        notes = ("NOMAD_TOKEN is set, and nobody asks for it",) if given else ()
        return Check(name, "passed", "Nomad asks for no token (ACLs are off)", notes=notes)
    if who.kind == "anonymous" and grants.value is not None and grants.value != Grants():
        return Check(name, "passed", "no token: we may what the anonymous policy lets anybody do")
    if who.kind == "anonymous":
        return Check(
            name, "failed", "Nomad asks for tokens, and we have none",
            advice="set NOMAD_TOKEN",
        )  # fmt: skip
    summary = f"{who.kind} token {who.name}".rstrip()
    if who.policies:
        summary += f" with {', '.join(who.policies)}"
    if who.expires_at is None:
        return Check(name, "passed", f"{summary}, does not end")
    left = who.expires_at - now
    if left <= 0:
        return Check(name, "failed", f"{summary} has expired", advice="get a new token")
    ends = f"{summary}, ends in {left / HOUR:.1f} hours"
    notes = ("it ends within a day",) if left < SOON else ()
    return Check(name, "passed", ends, notes=notes)


def judge_namespace(
    name: str, namespace: str, known: Look[Sequence[str]], grants: Look[Grants]
) -> Check:
    """Whether the namespace that jobs are put into exists; `known`: those that we may see."""
    if (missing := blind(name, "the namespaces", known)) is not None:
        return missing
    found = known.get(())
    if namespace in found:
        return Check(name, "passed", f"namespace {namespace} exists")
    others = f"we see {', '.join(found[:5]) or 'none'}"
    if grants.value is not None and grants.value.everything:
        return Check(
            name, "failed", f"there is no namespace {namespace}: {others}",
            advice=f"`nomad namespace apply {namespace}`, or name one that exists",
        )  # fmt: skip
    return Check(
        name, "could not tell", f"namespace {namespace} is hidden from us or does not exist: "
        f"{others}",
        advice="compare its name; a token with a right in it sees it",
    )  # fmt: skip


def judge_consul(
    name: str, granted: Look[Mapping[str, bool]], *, asks: Look[bool], given: bool
) -> Check:
    """Whether Consul shows us our services; `granted`: what was asked -> the answer.

    `asks`: whether Consul asks for tokens at all.
    """
    if asks.seen and not asks.value:
        notes = ("CONSUL_HTTP_TOKEN is set, and nobody asks for it",) if given else ()
        return Check(name, "passed", "Consul asks for no token (ACLs are off)", notes=notes)
    if granted.kind == "denied":
        return Check(name, "failed", granted.problem, advice=granted.hint)
    if (missing := blind(name, "our rights in Consul", granted)) is not None:
        return missing
    lacks = [what for what, may in granted.get({}).items() if not may]
    if lacks:
        return Check(
            name, "failed", f"the Consul token may not read {', '.join(lacks[:4])}",
            tuple(lacks),
            advice="grant service:read and node:read: what Consul hides cannot be verified"
            if given
            else "set CONSUL_HTTP_TOKEN to one with service:read and node:read",
        )  # fmt: skip
    return Check(name, "passed", f"may read {', '.join(granted.get({}))}")
