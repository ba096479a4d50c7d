"""Answers by Idempotency-Key: the same question by the same caller is answered as the first time.

Only what was granted is remembered; what was refused did nothing, and may be asked again.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from toolkit.dns.standing import record_document
from toolkit.errors import KeyReusedError, ToolkitError
from toolkit.spec.audit import Actor
from toolkit.spec.dns import SetRecord, Wish, Written

Answers = tuple[Written | ToolkitError, ...]
Asked = tuple[str, str]
"""Whose key, and the key: two callers may use the same one."""


def fingerprint(wish: Wish) -> str:
    """A digest of what is asked for, to know the same question again."""
    said: dict[str, object] = {
        "zone": str(wish.zone),
        "expected": wish.expected,
        "overrule": wish.overrule,
    }
    if isinstance(wish, SetRecord):
        said |= {"set": record_document(wish.record), "absent": wish.absent}
    else:
        said |= {"remove": wish.name, "type": wish.type}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def asked_by(actor: Actor, key: str) -> Asked:
    """The key as that caller's: a job's tasks and instances share theirs."""
    if actor.kind == "workload":
        return json.dumps([actor.namespace, actor.job]), key
    return actor.accessor, key


@dataclass(frozen=True, slots=True)
class _Kept:
    print: str
    since: float
    answer: Written | Future[Answers]


class Keys:
    """The keys of the last hours, for several threads."""

    def __init__(self, now: Callable[[], float], *, remember: float, most: int):
        """`now`: the wall clock, as a restart does not forget. `remember`: seconds."""
        self._now = now
        self._remember = remember
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Asked, _Kept] = OrderedDict()

    def ask(
        self, asked: Asked, print_: str, asking: Future[Answers]
    ) -> Written | Future[Answers] | None:
        """The first answer, or whose turn it is to give it; None: it is the caller's turn.

        Raises KeyReusedError when the key was used for something else.
        """
        with self._lock:
            kept = self._kept.get(asked)
            if kept is not None and self._is_old(kept):
                kept = None
            if kept is None:
                self._keep(asked, _Kept(print_, self._now(), asking))
                return None
        if kept.print != print_:
            raise KeyReusedError(
                "the Idempotency-Key was used for something else",
                hint="use a new key for every new question",
            )
        return kept.answer

    def answered(
        self, asked: Asked, print_: str, written: Written, since: float | None = None
    ) -> None:
        """Remember the answer; `since` by the wall clock, now when it is not said."""
        with self._lock:
            self._keep(asked, _Kept(print_, self._now() if since is None else since, written))

    def forget(self, asked: Asked) -> None:
        """Nothing was done: the key may be used again."""
        with self._lock:
            self._kept.pop(asked, None)

    def _is_old(self, kept: _Kept) -> bool:
        return isinstance(kept.answer, Written) and self._now() - kept.since > self._remember

    def _keep(self, asked: Asked, kept: _Kept) -> None:
        self._kept[asked] = kept
        self._kept.move_to_end(asked)
        while len(self._kept) > self._most or (
            len(self._kept) > 1 and self._is_old(next(iter(self._kept.values())))
        ):
            self._kept.popitem(last=False)
