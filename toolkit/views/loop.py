"""What `toolkit dev watch` says: each line with its job in front, or a document."""

from __future__ import annotations

from typing import Any

from toolkit.spec.loop import Built, Item, Logged, Remark, Told, Turn
from toolkit.views import event as event_view
from toolkit.views import logs as log_view
from toolkit.views.text import counted, seconds, staged


def lines(item: Item) -> list[str]:
    """The item without its job."""
    match item:
        case Turn():
            return _turn(item)
        case Built():
            return staged("build", item.text)
        case Told():
            return event_view.lines(item.event)
        case Logged():
            return [item.line.text if item.line.source == "note" else _logged(item)]
        case Remark():
            return [item.text]


def job(item: Item) -> str:
    """Whose it is; empty for what is about the loop itself."""
    return "" if isinstance(item, Remark) else item.job


def _logged(item: Logged) -> str:
    return f"{item.line.allocation[:8]}  {item.line.text}"


def _turn(turn: Turn) -> list[str]:
    said = [turn.sentence]
    took = f"{turn.seconds:.2f} s" if turn.seconds < 1 else seconds(turn.seconds)
    if turn.word == "unchanged":
        said = [f"{turn.sentence} ({took})"]
    elif turn.files:
        said = [f"{turn.sentence} · {counted(turn.files, 'file')} changed, {took} ago"]
    result = staged(turn.word, "\n".join(said))
    for cause in turn.causes:
        result += staged("  cause", cause)
    if turn.hint:
        result += staged("  next", turn.hint)
    return result


def document(item: Turn | Logged) -> dict[str, Any]:
    """A turn, or a line of a job's log, for programs."""
    if isinstance(item, Logged):
        return log_view.document(item.line)
    return {
        "schema": "toolkit.dev-watch/1",
        "word": item.word,
        "job": item.job,
        "sentence": item.sentence,
        "seconds": round(item.seconds, 3),
        "files": item.files,
        "release": item.release,
        "hint": item.hint,
        "causes": list(item.causes),
    }
