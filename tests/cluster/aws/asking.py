"""Whoever asks a test's AWS account: ours, and others. Making boto3's clients costs most."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.cluster.aws.account import REGION, Aws
from toolkit.clients.aws.cloud import Cloud

STUBBED = ("autoscaling", "resourcegroupstaggingapi")


@dataclass(frozen=True)
class Asking:
    """For all tests of a file."""

    patient: Cloud
    """Asks again; its clients of STUBBED are those of `theirs`."""
    hasty: Cloud
    """Asks once."""
    theirs: Callable[[str], Any]
    """boto3's client for a service: what others do and see."""


@contextlib.contextmanager
def asking(aws: Aws) -> Iterator[Asking]:
    """Nothing is asked yet."""
    theirs = cache(aws.client)
    with pytest.MonkeyPatch.context() as environ:
        for name, value in aws.environ.items():
            environ.setenv(name, value)
        clients = {name: theirs(name) for name in STUBBED}
        with (
            contextlib.closing(Cloud(REGION, clients=clients)) as patient,
            contextlib.closing(Cloud(REGION, attempts=1)) as hasty,
        ):
            yield Asking(patient, hasty, theirs)
