"""An AWS account on loopback, as tests hold it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[3]
REGION = "eu-west-1"
ACCOUNT = "123456789012"
PATIENCE = 60.0
"""Seconds that the server may take for an answer."""


@dataclass(frozen=True)
class Called:
    """One API call that the server saw."""

    number: int
    service: str
    operation: str
    region: str
    status: int
    fault: str
    body: str


@dataclass
class Aws:
    """The server: where it is, what commands need to reach it, and its control."""

    endpoint: str
    session: Any = field(default=None, repr=False)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @property
    def environ(self) -> Mapping[str, str]:
        """What commands see of AWS: this server, and credentials that are worth nothing."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": "the-secret-key-of-the-test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """The test's own client, for looking and for what others do; not to be counted."""
        if (service, region) not in self.clients:
            self.session = self.session or boto3.session.Session(
                aws_access_key_id="looker", aws_secret_access_key="looker"
            )
            self.clients[service, region] = self.session.client(
                service, region_name=region, endpoint_url=self.endpoint
            )
        return self.clients[service, region]

    # --- the log -----------------------------------------------------------------------------

    def calls(self) -> tuple[Called, ...]:
        """What was called since the log was forgotten."""
        return tuple(Called(**each) for each in self._control("calls"))

    def operations(self) -> list[str]:
        """Their names, in order."""
        return [each.operation for each in self.calls()]

    def forget(self) -> None:
        """Count from 1 again."""
        self._control("forget")

    # --- faults ------------------------------------------------------------------------------

    def fault(
        self,
        kind: str,
        operation: str = "",
        *,
        at: int = 0,
        skip: int = 0,
        times: int = 1,
        code: str = "",
        message: str = "",
    ) -> None:
        """Break calls: of an operation, or from a number on; `times` negative: all that follow.

        `kind`: throttle, 500, denied, expired; `own` with code and message; lost (done, never
        answered), refused (connection cut, not done), hang and stuck (no answer until `calm`;
        stuck: it is done).
        """
        self._control(
            "fault",
            kind=kind, operation=operation, at=at, skip=skip, times=times, code=code,
            message=message,
        )  # fmt: skip

    def calm(self) -> None:
        """No more faults; calls that hang are cut."""
        self._control("calm")

    def wait_hanging(self, timeout: float = PATIENCE) -> bool:
        """Until a call hangs; False when none did in that many seconds."""
        return bool(self._control("hanging", timeout=timeout))

    # --- stacks ------------------------------------------------------------------------------

    def knobs(self, *, region: str = REGION, **said: Any) -> None:
        """Of CloudFormation.

        `pace`: seconds a resource takes; `page`: rows of a page; `looks`: looks that find a new
        change set still being made; `fails`: logical id, `back ID` or `delete ID` -> why it fails;
        `held`: logical ids that stay in progress, `*` for all; `names`: autoscaling group -> ids
        that its machines get.
        """
        self._control("knobs", region=region, **said)

    def reset(self) -> None:
        """A new account: nothing there, no faults, nothing logged."""
        self._control("reset")

    def _control(self, what: str, **said: Any) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/_control/{what}", json.dumps(said).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE + 30) as answer:
            return json.load(answer)


@contextlib.contextmanager
def account() -> Iterator[Aws]:
    """A server of its own; it ends with whoever asked for it."""
    paths = os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.aws.moto_shim"],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONPATH": paths, "HOME": os.devnull},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said, "the server of AWS did not start"
        yield Aws(f"http://127.0.0.1:{json.loads(said)['port']}")
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
