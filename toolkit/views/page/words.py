"""The words of a page: glyphs beside colours, so that neither is needed alone; pure."""

from __future__ import annotations

GLYPHS = {
    "deployed": ("✓", "good"), "unchanged": ("✓", "good"), "completed": ("✓", "good"),
    "submitted": ("→", "calm"), "reverted": ("↩", "warn"), "held": ("‖", "warn"),
    "superseded": ("⇥", "warn"), "unknown": ("?", "warn"), "unverified": ("!", "bad"),
    "failed": ("✕", "bad"), "unplaced": ("∅", "bad"), "refused": ("✕", "bad"),
}  # fmt: skip
"""Verdict -> its glyph and tone."""

LINKS = {
    "holds": ("✓", "good"),
    "broken": ("✕", "bad"),
    "unseen": ("?", "warn"),
    "absent": ("–", "calm"),
}
"""State of a link -> its glyph and tone."""

LINK_WORDS = {"holds": "holds", "broken": "broken", "unseen": "cannot be seen", "absent": "none"}

PHASES = {
    "placed": "has a node, no task runs yet",
    "running": "runs, not called healthy by Nomad",
    "healthy": "healthy by Nomad's word",
    "unhealthy": "unhealthy by Nomad's word",
    "promoted": "a canary that became regular",
    "restarting": "its task ended and starts again",
    "draining": "asked to go: out of Consul, then the signal",
}
"""Phase -> what it means, for the legend."""

ROLES = {"old": "old", "new": "new", "canary": "canary", "restored": "restored", "work": "task"}

MARKS = {
    "submitted": "→", "healthy": "♥", "promoted": "▲", "failure": "✕", "failed": "✕",
    "revert": "↩", "verdict": "■",
}  # fmt: skip


def moment(seconds: float) -> str:
    """A time on the axis: `+2.5 s`, `−0.4 s`, `+3 min 5 s`."""
    sign = "−" if seconds < -0.05 else "+"
    return f"{sign}{length(abs(seconds))}"


def length(seconds: float) -> str:
    """A duration as short as it may be: `12 ms`, `2.5 s`, `3 min 5 s`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.0005 else "0 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def latency(seconds: float) -> str:
    """How long an answer took: `8 ms`, `196 ms`, `2.1 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else length(seconds)


def share(part: int, whole: int) -> str:
    """`0 %`, `0.7 %`, `100 %`; a few of many are never none."""
    if not whole or not part:
        return "0 %"
    value = 100 * part / whole
    if part < whole:
        value = min(max(value, 0.01), 99.99)
    return f"{value:.2f}".rstrip("0").rstrip(".") + " %"


def counted(number: int, noun: str) -> str:
    """`1 request`, `1,234 requests`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def short(text: str, longest: int) -> str:
    """A name that must not push others away; its table has it whole."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
