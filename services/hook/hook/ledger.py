"""The audit as this server writes it: an intent on disk before every effect, its outcome after.

Whoever cannot have the intent written does nothing: AuditError, `audit-unavailable` on the wire.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from toolkit.errors import RefusedError, ToolkitError
from toolkit.serving.bounded import bounded, unsecret
from toolkit.spec.audit import Draft, Entry, Json, Result, actor_of
from toolkit.spec.identity import Caller

if TYPE_CHECKING:
    from hook.metrics import Metrics
    from toolkit.serving.audit import Audit


class Ledger:
    """Writes entries; one for the process, used by several threads."""

    def __init__(self, audit: Audit, metrics: Metrics):
        self._audit = audit
        self._metrics = metrics

    def intend(
        self,
        action: str,
        caller: Caller,
        subject: str,
        *,
        before: Json = None,
        after: Json = None,
        request: str = "",
    ) -> Entry:
        """Write what is about to be done; on disk when it returns.

        `action`: such as `push` or `repos.delete`. `subject`: the repository's name. Raises
        AuditError: then nothing may be done. Every intent needs its `conclude`.
        """
        draft = Draft(
            "intent",
            action,
            actor_of(caller),
            bounded(subject, 100),
            request=request,
            before=before,
            after=after,
        )
        (entry,) = self._audit.intend([draft])
        return entry

    def conclude(self, intent: Entry, result: Result, detail: str = "") -> None:
        """Write what became of it; never fails: while the disk is full it waits in memory."""
        what = intent.what
        self._metrics.audited.labels(what.action, result).inc()
        self._audit.conclude(
            [
                Draft(
                    "outcome",
                    what.action,
                    what.actor,
                    what.subject,
                    request=what.request,
                    intent=intent.seq,
                    result=result,
                    detail=bounded(unsecret(detail), 600),
                )
            ]
        )

    def note(
        self, action: str, caller: Caller, subject: str, result: Result, detail: str, **more: Json
    ) -> None:
        """Both at once, of what was decided and changes nothing, such as a refused push.

        `more`: `before` and `after`. Raises AuditError.
        """
        intent = self.intend(
            action, caller, subject, before=more.get("before"), after=more.get("after")
        )
        self.conclude(intent, result, detail)

    @contextlib.contextmanager
    def around(
        self,
        action: str,
        caller: Caller,
        subject: str,
        *,
        before: Json = None,
        after: Json = None,
        request: str = "",
    ) -> Iterator[None]:
        """Around an effect: the intent before it, `done`, `refused` or `failed` after it."""
        intent = self.intend(action, caller, subject, before=before, after=after, request=request)
        result: Result = "failed"
        detail = "it broke off"
        try:
            yield
            result, detail = "done", ""
        except RefusedError as exc:
            result, detail = "refused", exc.message
            raise
        except ToolkitError as exc:
            detail = exc.message
            raise
        finally:
            self.conclude(intent, result, detail)
