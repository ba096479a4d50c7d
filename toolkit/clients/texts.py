"""What Nomad and Consul say when they refuse, and what it means.

The texts are the servers' own, matched nowhere else; the first rule that matches decides. A hint
may name the variable that holds the token as `{token}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    TlsError,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One text that a server answers with, and what it means."""

    pattern: re.Pattern[str]
    kind: type[ApiError]
    hint: str | None = None
    passing: bool = False
    unsure: bool = False
    """A write that ended so may have been carried out all the same."""


def _rule(
    pattern: str,
    kind: type[ApiError],
    hint: str | None = None,
    *,
    passing: bool = False,
    unsure: bool = False,
) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), kind, hint, passing, unsure)


NOT_KNOWN_THERE = (
    "the token in {token} is not known there: it is mistyped, expired, deleted, or another"
    " cluster's"
)

RULES = (
    _rule(
        r"client sent an http request to an https server",
        TlsError,
        "the server speaks TLS: write the address with https://",
    ),
    _rule(r"enforcing job modify index", ConflictError, "somebody changed the job: plan again"),
    _rule(r"enforcing version", ConflictError, "somebody changed the job: look at its history"),
    _rule(r"^tag .+ already exists on a different version", ConflictError),
    _rule(r"^tag .+ not found on job", NotFoundError),
    _rule(r"cas error|check-and-set|conflict: cas", ConflictError, "read it again, then decide"),
    _rule(
        r"registration, dispatch, and scale are disabled",
        DeniedError,
        "an operator switched registration off (reject_job_registration); only a management"
        " token may register now",
    ),
    # Consul ends this with the words for an unknown token of the one who asks.
    _rule(r"(policy|role|auth method|binding rule) does not exist", NotFoundError),
    _rule(r"acl token expired", DeniedError, "get a new token and put it into {token}"),
    _rule(
        r"acl token not found|acl not found|failed to parse signed token",
        DeniedError,
        NOT_KNOWN_THERE,
    ),
    _rule(r"acl support disabled", InvalidRequestError, "start the agent with ACLs on"),
    _rule(
        r"acl bootstrap (already|no longer)|acl bootstrap reset|is already bootstrapped",
        ConflictError,
        "use the token that was made then",
    ),
    _rule(r"acl system must be initialized", DeniedError, "bootstrap its ACLs first", passing=True),
    _rule(
        r"issuing too many concurrent connections",
        ServerError,
        "raise limits.http_max_conns_per_client there, or run fewer commands at once",
        passing=True,
    ),
    _rule(
        r"leadership lost while committing",
        ServerError,
        "the servers are electing a leader: try again in some seconds",
        passing=True,
        unsure=True,
    ),
    _rule(
        r"no cluster leader|not ready to serve consistent reads|node is not the leader",
        ServerError,
        "the servers have no leader: wait for the election, or look at the servers' logs",
        passing=True,
    ),
    _rule(
        r"^(rpc error: .*)?(unexpected )?eof$|rpc error.*(eof|connection|timeout)|i/o timeout"
        r"|connection reset by peer|broken pipe|session shutdown",
        ServerError,
        "the agent lost the server it forwards to: try again",
        passing=True,
        unsure=True,
    ),
    _rule(
        r"no path to region",
        InvalidRequestError,
        "the region is not known there: compare `region` in toolkit.toml with the servers'",
    ),
    _rule(
        r"nonexistent namespace",
        InvalidRequestError,
        "create the namespace, or name another one: `nomad namespace list` shows them",
    ),
    _rule(
        r"mismatched request (namespace|region)",
        InvalidRequestError,
        "the job file names a namespace or region that is not the environment's",
    ),
    _rule(
        r"cannot (update|change) .*job.* from (type|being)|cannot update job from type"
        r"|cannot update non-(periodic|parameterized)",
        InvalidRequestError,
        "a job keeps its kind: stop and purge the old one, or give this one another name",
    ),
    _rule(r"permission denied", DeniedError),
    _rule(
        r"terminal deployment|no canaries to promote",
        ConflictError,
        "the deployment ended, or was promoted, in the meantime",
    ),
    _rule(r"has \d+/\d+ healthy allocations", ConflictError, "its canaries are not healthy yet"),
    _rule(
        r"non-periodic job|non-tracked job|not a parameterized job|dispatch request included"
        r"|dispatch did not provide|^payload (is not|provided|exceeds)"
        r"|^specified job .* is stopped",
        InvalidRequestError,
    ),
    _rule(r"uuid must be|invalid uuid", NotFoundError, "ids are given whole"),
    _rule(r"not found$|unknown (allocation|node)", NotFoundError),
    _rule(
        r"errors? occurred:|failed to parse job|validation failed|must be specified",
        InvalidRequestError,
    ),
)

NO_SUCH_TOKEN = re.compile(r"token does not exist: acl not found", re.IGNORECASE)
"""What Consul says, with status 403, of a token that was asked for by its accessor."""

AT_THE_SOCKET = re.compile(r"server error authenticating request", re.IGNORECASE)
"""What a task's socket says, with status 500, of expired tokens and of servers without a leader."""


def advice(text: str) -> str | None:
    """What to do about something that a server said inside an answer."""
    found = next((rule.hint for rule in RULES if rule.pattern.search(text)), None)
    return None if found is None or "{" in found else found


FOREIGN = re.compile(
    r"<html|<!doctype|404 page not found|not a recognized http api endpoint", re.IGNORECASE
)
"""How a web server, a Traefik, or the other one of Nomad and Consul answers."""

NO_SUCH = re.compile(
    r"^unknown (allocation|task|node|service)|not started yet"
    r"|^(job|alloc|eval|deployment|node|variable|acl)\b.*not found$"
    r"|^state for allocation\b.*not found on client|^log entry for task\b.*not found"
    r"|^variable doesn't exist|does not exist: acl not found$",
    re.IGNORECASE,
)
"""How they themselves say 404 where they leave out the index header."""
