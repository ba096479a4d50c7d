"""The `[identity.NAME]` tables: what is wrong with them, and the tokens that they ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from toolkit.config.combinations import table_mistake
from toolkit.config.durations import parse_duration
from toolkit.config.layers import Layer, leaf, table
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.jobspec import Identity

_NOMADS_OWN = "default"


def check_identities(job: Layer, file: Source, known: Collection[Mistake]) -> Iterator[Mistake]:
    """A token is for somebody, and gets to the task; `known`: what is wrong with the keys."""
    wrong = {mistake.key for mistake in known}
    for name in table(job, "identity") or {}:
        path = ("identity", name)
        if name == _NOMADS_OWN:
            hint = "give yours another name: that one is for Nomad's API alone"
            yield table_mistake(job, path, file, "is Nomad's own for every task", hint)
            continue
        audience = leaf(job, *path, "audience")
        if audience is None and f"identity.{name}.audience" in wrong:
            pass
        elif audience is None:
            hint = f'such as audience = ["{name}"]: who the token is shown to'
            yield table_mistake(job, path, file, "has no audience", hint)
        elif not audience.value:
            yield audience.mistake("must not be empty", f'such as ["{name}"]')
        elif len(set(audience.value)) < len(audience.value):
            yield audience.mistake("names one twice", "keep one of the two")
        file_, env = leaf(job, *path, "file"), leaf(job, *path, "env")
        if file_ and not file_.value and not (env and env.value):
            hint = "say env = true, or leave it out"
            yield file_.mistake("the token would not get to the task", hint)


def settings(values: dict[str, Any]) -> tuple[Identity, ...]:
    """The tokens that the task gets beside Nomad's own, by name."""
    found = []
    for name, said in sorted(values.get("identity", {}).items()):
        given = {**said, "audience": tuple(said["audience"])}
        if "ttl" in said:
            given["ttl"] = parse_duration(said["ttl"])
        found.append(Identity(name, **given))
    return tuple(found)
