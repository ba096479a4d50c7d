"""What `toolkit cluster env` prints."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.cluster_env import EnvWord
from toolkit.views.schemas.words import (
    Schema,
    code,
    mapping,
    maybe,
    record,
    some,
    text,
    texts,
    word,
)

ENV = record(
    "`toolkit cluster env`: what leads a shell into a cluster; tokens are in it",
    cluster=some("Name of the cluster"),
    environment=some("Name of the environment that the variables lead into"),
    word=word("Whether the way is there now", EnvWord),
    code=code(ExitCode.OK),
    sentence=some("The same, as a sentence"),
    variables=mapping("To be exported", text("Value")),
    unset=texts("Variables that must not be set"),
    proxy=maybe(text("Address of the proxy that dials from inside")),
    tunnel=maybe(text("Id of the machine that our tunnel goes in at; null: there is none")),
    notes=texts("What else is to be known"),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {"cluster-env": (1, ENV)}
