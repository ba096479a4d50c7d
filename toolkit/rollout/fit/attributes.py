"""The attributes that the job's constraints look at, of many nodes in few calls.

The list of nodes leaves attributes out, and a cluster may have thousands. But its filter sees them:
one node is read in full, then Nomad is asked which others have the same values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, InvalidRequestError, NotFoundError
from toolkit.rollout.fit.facts import GroupFacts, JobFacts
from toolkit.rollout.fit.interpolate import asked_of

Key = tuple[str, str]
"""`attr` or `meta`, and the name."""

FEW = 16
"""So many nodes are read one by one at once."""
LEAST = 4
"""A question that answers for fewer nodes than this was not worth it."""
THREADS = 8

_FIELDS = {"attr": "Attributes", "meta": "Meta"}


def needed(job: JobFacts) -> frozenset[Key]:
    """The attributes that decide something for the job."""
    targets = [side for rule in job.constraints for side in (rule.left, rule.right)]
    keys: set[Key] = set()
    for group in job.groups:
        targets += _of_group(group)
        keys |= {("attr", f"plugins.secrets.{name}.version") for name in group.secrets}
        if group.mode == "bridge":
            keys.add(("attr", "nomad.version"))
    return frozenset(keys | {key for target in targets if (key := asked_of(target))})


def _of_group(group: GroupFacts) -> list[str]:
    rules = (*group.constraints, *group.affinities)
    return [
        *(side for rule in rules for side in (rule.left, rule.right)),
        *(port.network for port in group.ports),
    ]


def read(
    nomad: Nomad,
    ids: Iterable[str],
    keys: frozenset[Key],
    *,
    few: int = FEW,
    least: int = LEAST,
) -> tuple[dict[str, Mapping[Key, str]], str]:
    """Node id -> the values that it has of `keys`, and why some could not be read, or nothing."""
    unknown = list(dict.fromkeys(ids))
    found: dict[str, Mapping[Key, str]] = {}
    in_vain = 0
    while len(unknown) > few and in_vain < 2:
        first = unknown[0]
        try:
            values = _values(nomad.node(first), keys)
            alike = _alike(nomad, values, keys)
        except NotFoundError:
            unknown.remove(first)
            continue
        except InvalidRequestError:
            # An older Nomad's filter does not see them.
            break
        except ApiError as exc:
            return found, exc.message
        if alike is None:
            break
        same = {first, *alike}
        in_vain = in_vain + 1 if len(same) < least else 0
        found |= {name: values for name in unknown if name in same}
        unknown = [name for name in unknown if name not in same]
    return _one_by_one(nomad, unknown, keys, found)


def _one_by_one(
    nomad: Nomad, ids: Collection[str], keys: frozenset[Key], found: dict[str, Mapping[Key, str]]
) -> tuple[dict[str, Mapping[Key, str]], str]:
    if not ids:
        return found, ""
    clones = [nomad.clone() for _ in range(min(THREADS, len(ids)))]
    shares = [list(ids)[number :: len(clones)] for number in range(len(clones))]

    def look(client: Nomad, share: list[str]) -> tuple[dict[str, Mapping[Key, str]], str]:
        mine: dict[str, Mapping[Key, str]] = {}
        with client:
            for name in share:
                try:
                    mine[name] = _values(client.node(name), keys)
                except NotFoundError:
                    continue
                except ApiError as exc:
                    return mine, exc.message
        return mine, ""

    with ThreadPoolExecutor(len(clones)) as pool:
        answers = list(pool.map(look, clones, shares))
    for mine, _ in answers:
        found |= mine
    return found, next((problem for _, problem in answers if problem), "")


def _values(node: Mapping[str, Any], keys: frozenset[Key]) -> dict[Key, str]:
    return {
        key: str(values[key[1]])
        for key in keys
        if key[1] in (values := node.get(_FIELDS[key[0]]) or {})
    }


def _alike(nomad: Nomad, values: Mapping[Key, str], keys: frozenset[Key]) -> list[str] | None:
    """Ids of the nodes with exactly these values; None when it cannot be asked for."""
    parts = []
    for key in sorted(keys):
        kind, name = key
        if not re.fullmatch(r"[\w.:/-]+", name):
            return None
        if key not in values:
            parts.append(f'"{name}" not in {_FIELDS[kind]}')
        elif "`" in values[key] or not values[key].isprintable():
            return None
        else:
            parts.append(f'{_FIELDS[kind]}["{name}"] == `{values[key]}`')
    return [str(stub["ID"]) for stub in nomad.nodes(where=" and ".join(parts))]
