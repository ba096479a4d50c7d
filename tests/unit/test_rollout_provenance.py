"""What a version's tag says of where it came from, and what it must not say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from toolkit.rollout.last_verified import decoded, encoded, path_of
from toolkit.rollout.provenance import (
    LONGEST,
    begun,
    description,
    digest_of,
    is_taggable,
    own,
    shown,
    tag_name,
    tagged,
)
from toolkit.rollout.variable_path import leaf
from toolkit.spec.jobspec import Driver, JobSpec
from toolkit.spec.jobspec import Origin as Place
from toolkit.spec.provenance import LastVerified, Origin, Provenance
from toolkit.spec.rendered import RenderedJob

ORIGIN = Origin("a" * 40, True, "d" * 64, "ann@ws", "0.1.0")


def raw(provenance: Provenance, version: int | None = None, **job: Any) -> dict[str, Any]:
    """The version as Nomad has it."""
    return {
        "Version": provenance.version if version is None else version,
        "Meta": {"release": provenance.release} if provenance.release else None,
        "VersionTag": {"Name": provenance.tag, "Description": description(provenance)},
        **job,
    }


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("1.2.0", "1.2.0-v7"),
        (None, "v7"),
        ("1.2.0+build.5", "1.2.0+build.5-v7"),
        ("feature/x y", "feature-x-y-v7"),
        ("ünicode", "-nicode-v7"),
        ("..", "..-v7"),
        ("x" * 200, "x" * 100 + "-v7"),
    ],
)
def test_a_tag_has_a_name_that_a_url_and_a_shell_take(release: str | None, name: str) -> None:
    assert tag_name(release, 7) == name


@pytest.mark.parametrize("release", ["1.2.0", None])
def test_a_description_is_read_as_it_was_written(release: str | None) -> None:
    found = begun(ORIGIN, release, 7, 12.5)
    assert own(raw(found)) == found
    ended = replace(found, verdict="deployed", dirty=False, copy_of=3)
    assert own(raw(ended)) == ended
    bare = begun(Origin(), release, 0, 0.0)
    assert own(raw(bare)) == bare


def test_nomad_takes_every_description_that_we_write() -> None:
    """It refuses to scale a job whose live version has a longer one."""
    origin = replace(ORIGIN, commit="a" * 64, actor="\U0001f40d" * 5000, tool="1" * 20)
    found = replace(begun(origin, "ü" * 200, 10**9, 1e12), verdict="superseded", copy_of=10**9)
    assert len(description(found).encode()) < LONGEST
    assert own(raw(found)) is not None
    hostile = replace(found, actor='"\\\n\x00' * 5000)
    assert len(description(hostile).encode()) < LONGEST
    assert "\n" not in description(hostile)


@pytest.mark.parametrize(
    "text",
    ["", "by hand", "[]", "3", '"toolkit"', "{}", '{"toolkit":"0.1.0"}', '{"version":7}',
     '{"toolkit":1,"version":7}', '{"toolkit":"0.1.0","version":"7"}', '{"toolkit":"0.1.0",',
     '{"toolkit":"0.1.0","version":7,"at":"x"}', '{"toolkit":"0.1.0","version":7,"at":{"a":1}}'],
)  # fmt: skip
def test_what_others_wrote_into_a_tag_is_not_ours(text: str) -> None:
    assert tagged({"Version": 7, "VersionTag": {"Name": "1.0-v7", "Description": text}}) is None


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"toolkit":"0.1.0","version":7,"at":1e999}',
     '{"toolkit":"0.1.0","version":7,"at":1' + "0" * 400 + "}",
     '{"toolkit":"0.1.0","version":7,"at":NaN,"actor":"' + "x" * 9000 + '"}'],
)  # fmt: skip
def test_a_tag_written_to_harm_does_none(text: str) -> None:
    found = tagged({"Version": 7, "VersionTag": {"Name": "1.0-v7", "Description": text}})
    assert found is None or (found.at == 0.0 and len(found.actor) <= 100)


@pytest.mark.parametrize("tag", [None, {}, {"Name": "x"}, {"Name": "x", "Description": None}])
def test_versions_without_a_tag_have_no_provenance(tag: Any) -> None:
    assert tagged({"Version": 7, "VersionTag": tag}) is None
    assert shown({"Version": 7}) is None


def test_what_nomad_copied_is_told_from_what_we_wrote() -> None:
    found = replace(begun(ORIGIN, "1.0.0", 3, 1.0), verdict="deployed")
    copy = raw(found, version=4)
    assert own(copy) is None
    seen = shown(copy)
    assert seen is not None
    assert (seen.version, seen.copy_of, seen.verdict) == (4, 3, None)
    assert (seen.commit, seen.tag) == ("a" * 40, "1.0.0-v3")


@pytest.mark.parametrize(
    ("job", "fine"),
    [
        ({"Type": "service"}, True),
        ({"Type": "system"}, True),
        ({"Type": "batch"}, False),
        ({"Type": "sysbatch"}, False),
        ({"Type": "batch", "Periodic": {"Enabled": True}}, False),
        ({"Type": "batch", "ParameterizedJob": {}}, False),
        ({"Type": "batch", "ParameterizedJob": {"Payload": ""}}, False),
        ({"Type": "service", "TaskGroups": [{"Scaling": {"Enabled": True}}]}, True),
        ({"Type": "service", "TaskGroups": [{"Scaling": {"Enabled": False, "Policy": {"a": 1}}}]},
         True),
        ({"Type": "service", "TaskGroups": [{"Scaling": {"Enabled": True, "Policy": {"a": 1}}}]},
         False),
    ],
)  # fmt: skip
def test_nothing_is_tagged_that_nomad_would_then_never_forget(
    job: dict[str, Any], fine: bool
) -> None:
    assert is_taggable(job) is fine


SPEC = JobSpec(
    "web", "service", "jobs/web/job.toml", "jobs/web/job.nomad.hcl.j2",
    driver=Driver("docker", {"image": "web:1", "auth": {"password": "hunter22"}}),
    environment={"MODE": "fine", "DB_PASSWORD": "hunter22"},
    variables={"size": 3, "api_key": "hunter22", "pin_token": 1234, "deep": {"secret": ["x"]}},
)  # fmt: skip
RENDERED = RenderedJob(SPEC, "job {}", (), {"jobs/web/job.nomad.hcl.j2": "job [[ name ]]"})


def test_a_digest_changes_with_what_was_deployed() -> None:
    digest = digest_of(RENDERED)
    assert digest == digest_of(RENDERED)
    assert len(digest) == 64
    others = [
        replace(RENDERED, sources={"jobs/web/job.nomad.hcl.j2": "job"}),
        replace(RENDERED, sources={**RENDERED.sources, "jobs/_lib/a.j2": ""}),
        *(
            replace(RENDERED, spec=replace(SPEC, **change))
            for change in (
                {"release": "1.0.1"}, {"count": 3}, {"environment": {"MODE": "other"}},
                {"variables": {**SPEC.variables, "size": 4}}, {"secrets": ("DB",)},
                {"driver": Driver("docker", {"image": "web:2"})},
            )
        ),
    ]  # fmt: skip
    assert len({digest, *map(digest_of, others)}) == len(others) + 1


def test_a_digest_is_the_same_from_another_machine() -> None:
    elsewhere = replace(
        SPEC, context={"project": {"python": "/elsewhere"}}, count_origin=Place("--count")
    )
    assert digest_of(replace(RENDERED, spec=elsewhere)) == digest_of(RENDERED)


def test_no_secret_can_be_guessed_from_a_digest() -> None:
    """A short one could be tried until the digest fits."""
    changed = replace(
        SPEC,
        driver=Driver("docker", {"image": "web:1", "auth": {"password": "another"}}),
        environment={"MODE": "fine", "DB_PASSWORD": "another"},
        variables={"size": 3, "api_key": "another", "pin_token": 9, "deep": {"secret": ["y", 2]}},
    )
    assert digest_of(replace(RENDERED, spec=changed)) == digest_of(RENDERED)
    plain = replace(SPEC, environment={"MODE": "fine", "URL": "postgres://app:s3cret@db"})
    other = replace(SPEC, environment={"MODE": "fine", "URL": "postgres://app:0ther9@db"})
    first = digest_of(replace(RENDERED, spec=plain), ("s3cret",))
    assert first == digest_of(replace(RENDERED, spec=other), ("0ther9",))


def test_the_last_verified_release_is_read_as_it_was_written() -> None:
    for last in (
        LastVerified("web", "1.0.0", 7, 12.5, "1.0.0-v7", "ann@ws", 77),
        LastVerified("web", None, 0, 0.0),
    ):
        items = encoded(last)
        assert all(items.values())
        assert decoded("web", {"Items": items}) == last


@pytest.mark.parametrize(
    "items", [None, {}, {"version": "x"}, {"version": "1", "at": "?"}, {"note": "by hand"}]
)
def test_a_variable_of_somebody_else_says_nothing(items: Any) -> None:
    assert decoded("web", {"Items": items}) is None
    assert decoded("web", None) is None


def test_every_job_has_a_variable_of_its_own_that_nomad_takes() -> None:
    ids = ["web", "web.eu", "web-eu", "web~2eeu", "web/eu", "a b", "ü", "x" * 500, "x" * 499 + "y"]
    paths = {path_of(each) for each in ids}
    assert len(paths) == len(ids)
    for path in paths:
        assert len(path) <= 128
        assert not set(path) - set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~/"
        )
    assert path_of("web") == "toolkit/last-verified/web"
    assert "/" not in leaf("web/eu", 20)
