"""What the commands of `toolkit image` print."""

from __future__ import annotations

from toolkit.spec.image import ImageWord
from toolkit.views.schemas.words import (
    Schema,
    maybe,
    number,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

IMAGE = record(
    "`toolkit image build` and `push`: an image that was built, or is at the registry",
    verdict=word("`present`: it was at the registry already, and is this very image", ImageWord),
    environment=some("The environment of toolkit.toml"),
    job=some("Nomad's id of the job"),
    release=some("The release, which is the tag"),
    image=some("The whole name, tag included"),
    id=some("By which the engine knows it"),
    digest=maybe(text("By which it is deployed; null before it is pushed")),
    size=whole("Bytes, unpacked"),
    seconds=number("What it took"),
    notes=texts("What was done to the repository, or what it lacks"),
    next=maybe(text("The next command to type")),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {"image": (1, IMAGE)}
