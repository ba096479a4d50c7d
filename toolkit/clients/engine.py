"""A Docker engine, by its own command-line tool: build, look, push.

The tool knows where the engine is (its contexts, DOCKER_HOST) and how images are built there, which
differs from engine to engine. A secret reaches it on its standard input only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from toolkit.clients import engine_texts as texts
from toolkit.clients.engine_login import private_folder
from toolkit.clients.engine_process import Ran, run
from toolkit.errors import (
    ApiError,
    InvalidRequestError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.image import LocalImage, Login

ANSWER_SECONDS = 30.0
SHOWN = 12
"""Lines of a build that failed."""

_LOOK = '{"Id":{{json .Id}},"RepoDigests":{{json .RepoDigests}},"Size":{{json .Size}}}'

OnStep = Callable[[str], None]
"""Called with each step as the engine words it."""

_OURS = ("NOMAD_", "CONSUL_", "VAULT_", "TOOLKIT_")
"""Variables that are none of the engine's business."""


class Engine:
    """The engine that Docker's tool talks to."""

    def __init__(self, environ: Mapping[str, str], *, program: str = "docker") -> None:
        """`environ`: what the tool sees, but for our own tokens; `program`: the tool."""
        self._environ = {
            name: value for name, value in environ.items() if not name.startswith(_OURS)
        }
        self._program = program

    def build(
        self,
        folder: Path,
        dockerfile: Path,
        name: str,
        *,
        arguments: Sequence[tuple[str, str]] = (),
        platform: str | None = None,
        timeout: float,
        on_step: OnStep | None = None,
    ) -> LocalImage:
        """Build the Dockerfile with `folder` as its context; the image is called `name`.

        InvalidRequestError with its last lines where it does not build; `timeout` in seconds.
        """
        command = ["build", f"--file={dockerfile}", f"--tag={name}"]
        command += [f"--platform={platform}"] if platform else []
        command += [f"--build-arg={key}={value}" for key, value in arguments]
        ran = self._run([*command, str(folder)], timeout=timeout, heard=(texts.STEP, on_step))
        if ran.code is None:
            raise self._late(f"the build of {name}", timeout, "[image] timeout gives it more")
        if ran.code:
            shown = [line for line in ran.lines if not texts.NOISE.search(line)][-SHOWN:]
            said = "\n".join(f"  {line}" for line in shown) or f"  exit {ran.code}"
            raise InvalidRequestError(
                f"{texts.ENGINE} could not build {name}:\n{said}", system=texts.ENGINE
            )
        found = self.find(name)
        if found is None:
            raise ServerError(
                f"{texts.ENGINE} built {name} and does not have it",
                system=texts.ENGINE,
                hint="does its builder keep images elsewhere? docker buildx use default",
            )
        return found

    def find(self, name: str) -> LocalImage | None:
        """The image of that name; None where the engine has none."""
        ran = self._run(["image", "inspect", f"--format={_LOOK}", name], timeout=ANSWER_SECONDS)
        if ran.code and texts.NO_IMAGE.search(ran.text):
            return None
        if ran.code != 0:
            raise self._failed(f"could not look for {name}", ran)
        for line in ran.lines:
            if line.startswith("{"):
                said = json.loads(line)
                digests = tuple(said.get("RepoDigests") or ())
                return LocalImage(str(said["Id"]), digests, int(said.get("Size") or 0))
        raise self._failed(f"could not look for {name}", ran)

    def push(
        self,
        name: str,
        login: Login | None = None,
        *,
        timeout: float,
        on_step: OnStep | None = None,
    ) -> None:
        """Push it; without a login with those that the user's own tool has.

        An ApiError says why the registry did not take it, and whether anything of it did is not
        known then. `timeout` in seconds.
        """
        with ExitStack() as opened:
            first: list[str] = []
            if login is not None:
                folder = opened.enter_context(private_folder(self._environ, login.host))
                first = [f"--config={folder}"]
                self._log_in(first, login)
            ran = self._run([*first, "push", name], timeout=timeout, heard=(texts.LAYER, on_step))
        if ran.code is None:
            raise self._late(f"the push of {name}", timeout, "[image] timeout gives it more")
        if ran.code:
            raise _refused(f"{name} was not pushed", ran)

    def _log_in(self, first: list[str], login: Login) -> None:
        ran = self._run(
            [*first, "login", f"--username={login.user}", "--password-stdin", login.host],
            timeout=ANSWER_SECONDS,
            told=login.password.reveal().encode(),
        )
        if ran.code != 0:
            raise _refused(f"{login.host} did not let {login.user} in", ran)

    def _run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float,
        told: bytes = b"",
        heard: tuple[re.Pattern[str], OnStep | None] = (texts.STEP, None),
    ) -> Ran:
        pattern, on_step = heard

        def on_line(line: str) -> None:
            if on_step is not None and pattern.search(line):
                on_step(line)

        try:
            ran = run(
                [self._program, *arguments],
                self._environ,
                timeout=timeout,
                told=told,
                on_line=on_line,
            )
        except OSError as exc:
            raise UnreachableError(
                f"there is no program {self._program} to build and push images with: "
                f"{exc.strerror or exc}",
                system=texts.ENGINE,
                hint="install Docker's command-line tool; an engine elsewhere is named by"
                " DOCKER_HOST",
            ) from exc
        rule = texts.failure(texts.ENGINE_RULES, ran.text) if ran.code else None
        if rule is not None:
            last = next(line for line in reversed(ran.lines) if rule.pattern.search(line))
            raise rule.kind(
                f"the Docker engine cannot be used: {last.strip()}",
                system=texts.ENGINE,
                hint=rule.hint,
            )
        return ran

    def _failed(self, what: str, ran: Ran) -> ApiError:
        why = "it did not answer in time" if ran.code is None else _last(ran)
        return ServerError(f"{texts.ENGINE} {what}: {why}", system=texts.ENGINE)

    def _late(self, what: str, timeout: float, hint: str) -> ApiError:
        return UnreachableError(
            f"{what} was not done after {timeout:g} s; it was ended",
            system=texts.ENGINE,
            hint=hint,
        )


def _refused(what: str, ran: Ran) -> ApiError:
    said = "it did not answer in time" if ran.code is None else _last(ran)
    rule = texts.failure(texts.PUSH_RULES, said)
    kind = rule.kind if rule is not None else ServerError
    return kind(f"{what}: {said}", system=texts.REGISTRY, hint=rule.hint if rule else None)


def _last(ran: Ran) -> str:
    lines = [line.strip() for line in ran.lines if not texts.NOISE.search(line)]
    return lines[-1] if lines else f"exit {ran.code}"
