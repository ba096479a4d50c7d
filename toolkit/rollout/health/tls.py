"""How we are connected: certificates, and plain HTTP where others may listen."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from toolkit.rollout.health.look import Look, blind
from toolkit.spec.doctor import Check

SOON_DAYS = 14.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Line:
    """One connection that we use."""

    system: str
    address: str
    state: Literal["plain", "checked", "unchecked", "untrusted", "unseen"]
    """`unchecked`: told not to check; `untrusted`: checked, and refused."""
    ends_at: float | None = None
    """When its certificate ends, in seconds since the epoch."""
    problem: str = ""
    hint: str | None = None


def is_loopback(address: str) -> bool:
    """True for an address that never leaves this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def judge(name: str, lines: Look[Sequence[Line]], now: float) -> Check:
    """Whether the certificates are trusted and last; `now` in seconds since the epoch."""
    if (missing := blind(name, "the connections", lines)) is not None:
        return missing
    found = lines.get(())
    bad = [each for each in found if each.state == "untrusted"]
    soon = [
        each
        for each in found
        if each.ends_at is not None and (each.ends_at - now) / DAY < SOON_DAYS
    ]
    # Nothing of ours goes through the edge: whether its visitors need TLS is not ours to say.
    open_ = [
        each
        for each in found
        if each.state == "plain" and each.system != "Traefik" and not is_loopback(each.address)
    ]
    notes = tuple(
        f"{each.system} at {each.address} is plain HTTP: tokens and secrets can be read on the way"
        for each in open_
    )
    evidence = tuple(
        each.problem if each.state == "untrusted" else _told(each, now)
        for each in found
        if each.state not in {"plain", "unchecked"}
    )
    if bad:
        return Check(name, "failed", bad[0].problem, evidence, notes, bad[0].hint)
    if soon:
        return Check(
            name, "failed", f"{soon[0].system}'s certificate {_days(soon[0], now)}", evidence,
            notes, "renew it now: at its end every command fails",
        )  # fmt: skip
    unseen = [each for each in found if each.state in {"unchecked", "unseen"}]
    if unseen:
        return Check(
            name, "could not tell",
            f"{unseen[0].system} at {unseen[0].address}: {unseen[0].problem}", evidence, notes,
            unseen[0].hint,
        )  # fmt: skip
    secure = [each for each in found if each.state == "checked"]
    if secure:
        summary = "; ".join(f"{each.system}'s certificate {_days(each, now)}" for each in secure)
    elif open_:
        summary = "no TLS is used"
    else:
        summary = "plain HTTP, which stays on this machine"
    return Check(name, "passed", summary, evidence if len(secure) > 1 else (), notes)


def _told(line: Line, now: float) -> str:
    return f"{line.system} at {line.address}: {line.problem or _days(line, now)}"


def _days(line: Line, now: float) -> str:
    days = ((line.ends_at or now) - now) / DAY
    return f"ends in {days:.0f} days" if days >= 2 else f"ends in {max(days, 0) * 24:.0f} hours"
