"""The page as text: pure, no scripts, nothing fetched from elsewhere."""

from __future__ import annotations

import html
import zlib
from dataclasses import dataclass

from frontend.ask import BackendAnswer

STYLE = """
:root { color-scheme: light dark; --ink: #1b2330; --dim: #5b6676; --page: #f3f5f8;
  --card: #ffffff; --line: #d9dfe7; --bad: #a3262a; --mark: 45%; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #9aa6b6; --page: #12161c;
  --card: #1b212a; --line: #303a47; --bad: #ff9c9c; --mark: 65%; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 3rem 1.25rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; }
p { margin: 0 0 1.5rem; color: var(--dim); }
p.bad { color: var(--bad); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  border-top: .3rem solid hsl(var(--hue) 60% var(--mark)); padding: 1.1rem 1.25rem; }
section.none { border-top-color: var(--bad); }
h2 { margin: 0; font-size: .95rem; font-weight: 600; color: var(--dim); }
.release { margin: .1rem 0 .8rem; font-size: 2rem; font-weight: 650; color: var(--ink);
  overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .9rem; }
"""


@dataclass(frozen=True, slots=True)
class Own:
    """What this frontend says of itself."""

    release: str
    allocation: str
    node: str


def draw_page(own: Own, backend: BackendAnswer) -> str:
    """The page with a backend's values."""
    lead = "Found in Consul while this page was made"
    if backend.excuse:
        lead = f"{backend.excuse}; the last list of backends was used"
    facts = {
        "allocation": backend.allocation,
        "node": backend.node,
        "address": backend.address,
        "instances asked": str(backend.tried),
    }
    cards = _own_card(own) + _card("backend", backend.release, facts)
    return _document(f"frontend {own.release}, backend {backend.release}", lead, cards)


def draw_trouble(own: Own, reason: str) -> str:
    """The page that says that no backend answered, and why."""
    missing = '<section class="none"><h2>backend</h2><p class="release">none</p></section>'
    return _document(
        "No backend answers", reason, _own_card(own) + missing, tone=' class="bad" role="alert"'
    )


def _own_card(own: Own) -> str:
    return _card("frontend", own.release, {"allocation": own.allocation, "node": own.node})


def _card(name: str, release: str, facts: dict[str, str]) -> str:
    rows = "".join(
        f"<dt>{html.escape(key)}</dt><dd>{html.escape(value) or '–'}</dd>"
        for key, value in facts.items()
    )
    # The same release has the same colour everywhere, so that a bump is seen from across a room.
    hue = zlib.crc32(release.encode()) % 360
    said = html.escape(release)
    return (
        f'<section id="{name}" data-release="{said}" style="--hue: {hue}"><h2>{name}</h2>'
        f'<p class="release">{said}</p><dl>{rows}</dl></section>'
    )


def _document(title: str, lead: str, cards: str, tone: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{html.escape(title)}</h1><p{tone}>{html.escape(lead)}</p>"
        f'<div class="cards">{cards}</div></main></body></html>\n'
    )
