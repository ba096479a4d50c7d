"""What `toolkit cluster env` exported: the way into one environment, and into no other."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from toolkit.config.given import Reached
from toolkit.errors import Mistake

if TYPE_CHECKING:
    from toolkit.config.project import EnvironmentFile

NAME = "TOOLKIT_ACCESS"
PROXY = "TOOLKIT_PROXY"
PRIVATE = "TOOLKIT_EDGE_PRIVATE"


def with_reached(
    environment: EnvironmentFile, said: Reached, mistakes: list[Mistake], *, named: bool = True
) -> EnvironmentFile:
    """The environment with the proxy and the inner entrance that the variables say.

    `named`: without an environment of a project there is none to take for another.
    Variables of another environment are a mistake, because addresses and tokens came with them;
    and so is another proxy than the environment's own.
    """
    if named and said.environment not in {None, environment.name}:
        message = (
            f"NOMAD_ADDR and others lead into {said.environment}, and the environment is"
            f" {environment.name}"
        )
        hint = f'eval "$(toolkit cluster env {said.environment} --stop)", or use another shell'
        mistakes.append(Mistake(NAME, None, None, message, hint))
    if environment.local:
        # Its agents are on loopback.
        return environment
    if said.proxy is not None:
        if environment.proxy is not None and environment.proxy != said.proxy:
            message = (
                f"environment {environment.name} has the proxy {environment.proxy}, but"
                f" {PROXY} says {said.proxy}"
            )
            hint = f"unset {PROXY}, or name another environment with --env"
            mistakes.append(Mistake(PROXY, None, None, message, hint))
        environment = environment._replace(proxy=environment.proxy or said.proxy)
    if said.private is not None:
        edge = MappingProxyType({"private": said.private, **environment.edge})
        environment = environment._replace(edge=edge)
    return environment
