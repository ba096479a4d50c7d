"""One case of the gallery: a small job, and the truth about what becomes of it.

A case is HCL text, an earlier version of it where there is one, and other jobs that must be there
first, so that any tool can deploy it. What it expects is said in our words: verdict, exit code,
first cause, place. Words between two `@` are filled in by a `Stage`:

    @NAME@    the job's name            @PYTHON@  an interpreter
    @FOLDER@  a folder of helper files  @HTTP@    `http://host:port` of a server: /200, /403, /404…
    @TAKEN@   a port of this machine that a process outside Nomad listens on
    @STATIC@  a port of this machine that nobody uses, for one static port; also @STATICB@ to
              @STATICD@, so that cases at the same time are not in each other's way
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ANY = "*"
"""In `Case.place`: named, and really one of the job's."""

_WORD = re.compile(r"@([A-Z]+)@")

Act = Callable[[Any, str], object]
"""Something done to the cluster, given the `Stage` and the job's name."""


@dataclass(frozen=True, slots=True)
class Case:
    """A job and what is true of its deploy."""

    name: str
    """Also the job's name."""
    job: str
    """The HCL that is deployed."""
    verdict: str
    code: int
    mode: int | None = None
    """Number of the failure mode; None for a job that goes well, or a failure without one."""
    before: str | None = None
    """An earlier good version, deployed first."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Other jobs that must run first: name -> HCL."""
    prepare: Act | None = None
    """What else must be done before."""
    change: Act | None = None
    """Done between the earlier version and the deploy."""
    meanwhile: Act | None = None
    """Done in a thread of its own while the deploy runs; waits itself for the right moment."""
    after: Act | None = None
    """Undoes what `prepare` did to the cluster, however the deploy ends."""
    job_toml: str = ""
    """A job file beside it, where our tool needs one to know more than Nomad does."""
    options: tuple[str, ...] = ()
    """Further options of `toolkit deploy`."""
    kind: str | None = None
    """Of the first cause; None: no cause is named."""
    says: str = ""
    """Regular expression that the first cause's summary or a line of its evidence matches; of a
    refusal, its message."""
    never: str = ""
    """Regular expression that neither the first cause nor the verdict's sentence matches."""
    place: Mapping[str, str] = field(default_factory=dict)
    """group, task, allocation, node -> what the first cause names; ANY: whichever is right."""
    hides: tuple[str, ...] = ()
    """Texts that must be nowhere in what the command says."""
    needs: str = ""
    """What only some machines or clusters have (`docker`, `acl`); `alone`: it changes the cluster,
    and runs when nothing else does."""
    xfail: str = ""
    """Why the tool is wrong about it, as long as it is."""

    @property
    def succeeds(self) -> bool:
        """True when the deploy ends well."""
        return self.code == 0


def fill(text: str, words: Mapping[str, object]) -> str:
    """The text with its `@WORD@`s replaced; KeyError for one that nobody knows."""
    return _WORD.sub(lambda match: str(words[match[1]]), text)
