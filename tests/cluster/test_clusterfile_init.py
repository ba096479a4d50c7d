"""`toolkit cluster init`: what it refuses, what it asks, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.aws.zones import offered_zones
from toolkit.clients.sums import release_list
from toolkit.config.clusterfile import check_complete
from toolkit.errors import ApiError, ConfigError, RefusedError
from toolkit.views.cluster import init as view
from toolkit.workflows.cluster.files import open_cluster
from toolkit.workflows.cluster.init import init, parse_sums

ZONES = b"""<?xml version="1.0" encoding="UTF-8"?>
<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>1</requestId><availabilityZoneInfo>%s</availabilityZoneInfo>
</DescribeAvailabilityZonesResponse>"""
DENIED = b"""<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error>
<Code>AuthFailure</Code><Message>AWS was not able to validate hunter2</Message>
</Error></Errors><RequestID>1</RequestID></Response>"""
SUM = "0123456789abcdef" * 4


def zones(*names: str) -> bytes:
    items = b"".join(
        f"<item><zoneName>{name}</zoneName><zoneState>available</zoneState></item>".encode()
        for name in names
    )
    return ZONES % items


def listed(asked: Asked) -> Reply:
    name = asked.path.split("/")[1]
    version = asked.path.split("/")[2]
    lines = [f"{SUM}  {name}_{version}_{each}.zip" for each in ("darwin_arm64", "linux_amd64")]
    return Reply("\n".join(["not a line", *lines]).encode())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    return tmp_path


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where boto3 looks, and nowhere else."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "X" * 16)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    yield


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "region", "where"),
    [
        ("Prod", "eu-west-1", {"NAME"}), ("prod", "eu-west", {"--region"}),
        ("prod-rehearsal", "x", {"NAME", "--region"}), ("../x", "eu-west-1", {"NAME"}),
    ],
)  # fmt: skip
def test_names_and_regions_that_cannot_be(
    root: Path, name: str, region: str, where: set[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        init(root, name, region)
    assert {mistake.where for mistake in caught.value.mistakes} == where
    assert files(root) == {"toolkit.toml"}


def test_what_is_in_the_way(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(RefusedError, match='an environment "dev" already'):
        init(root, "dev", "eu-west-1")
    (root / "clusters").mkdir()
    (root / "clusters/prod.toml").write_text("mine")
    with pytest.raises(RefusedError, match=r"prod\.toml is there already"):
        init(root, "prod", "eu-west-1")
    assert (root / "clusters/prod.toml").read_text() == "mine"
    elsewhere = tmp_path_factory.mktemp("no-project")
    with pytest.raises(ConfigError, match=r"toolkit\.toml"):
        init(elsewhere, "prod", "eu-west-1")


def test_a_file_where_the_folder_is_needed(root: Path) -> None:
    (root / "clusters").write_text("mine")
    with pytest.raises(RefusedError):
        init(root, "prod", "eu-west-1")
    assert files(root) == {"toolkit.toml", "clusters"}


def test_a_region_with_too_few_zones(root: Path) -> None:
    with pytest.raises(RefusedError, match="offers this account 2 availability zones"):
        init(root, "prod", "us-west-1", ask_zones=lambda _: ("us-west-1a", "us-west-1c"))
    assert files(root) == {"toolkit.toml"}


def test_nobody_is_asked_and_the_report_says_so(root: Path) -> None:
    report = init(root, "prod", "eu-west-1")
    assert report.zones == ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    assert (report.zones_remark, len(report.missing)) == ("AWS was not asked", 2)
    text = "\n".join(view.lines(report))
    assert "the usual ones of a region" in text
    assert "binaries.nomad.amd64.sha256" in text
    document = view.document(report)
    assert (document["missing_remark"], json.loads(json.dumps(document))) == (
        "the lists of the releases were not read", document,
    )  # fmt: skip
    file = open_cluster(root, "prod")
    assert file.cluster.zones == report.zones
    with pytest.raises(ConfigError) as caught:
        check_complete(file)
    assert [mistake.key for mistake in caught.value.mistakes] == list(report.missing)
    lines = (root / report.path).read_text().splitlines()
    for mistake in caught.value.mistakes:
        assert lines[(mistake.line or 0) - 1].startswith('sha256 = ""')


def test_what_others_say_is_filled_in(root: Path, credentials: None) -> None:
    answer = zones("eu-west-1c", "eu-west-1d", "eu-west-1a")
    with Scripted(Reply(answer)) as aws, Scripted(listed) as releases:
        report = init(
            root, "prod", "eu-west-1",
            ask_zones=lambda region: offered_zones(region, endpoint=aws.address),
            ask_list=release_list, releases=releases.address,
        )  # fmt: skip
    assert report.zones == ("eu-west-1a", "eu-west-1c", "eu-west-1d")
    assert (report.zones_remark, report.missing, report.missing_remark) == ("", (), "")
    file = open_cluster(root, "prod", complete=True)
    assert file.cluster.binaries["consul"].downloads["amd64"].sha256 == SUM
    assert b"availability-zone" in aws.asked[0].body
    assert [asked.path for asked in releases.asked] == [
        "/nomad/1.11.3/nomad_1.11.3_SHA256SUMS", "/consul/1.22.7/consul_1.22.7_SHA256SUMS",
    ]  # fmt: skip
    assert "missing" not in "\n".join(view.lines(report))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"", 404), "HTTP 404"), (Reply(b"<html>", 200), "does not list nomad_"),
        (Reply(b"x", promised=99), "SHA256SUMS: "),
    ],
)  # fmt: skip
def test_a_list_that_is_none(root: Path, reply: Reply, said: str) -> None:
    with Scripted(reply) as releases:
        report = init(root, "prod", "eu-west-1", ask_list=release_list, releases=releases.address)
    assert len(report.missing) == 2
    assert said in report.missing_remark
    assert open_cluster(root, "prod").cluster.name == "prod"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(DENIED, 401), "AWS does not know the credentials"),
        (Reply(b"<html>no", 502), "AWS failed with status 502"),
        (Reply(hold=True), "did not answer in time"), (Reply(zones(), 200), ""),
    ],
)  # fmt: skip
def test_aws_that_does_not_say(credentials: None, reply: Reply, said: str) -> None:
    with Scripted(reply) as aws:
        try:
            assert offered_zones("eu-west-1", endpoint=aws.address, seconds=0.2) == ()
        except ApiError as error:
            assert said
            assert said in error.message
            assert "hunter2" not in error.message
        else:
            assert not said
    assert len(aws.asked) == 1


def test_aws_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ApiError, match="there are no AWS credentials"):
        offered_zones("eu-west-1", endpoint="http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ApiError, match="profile"):
        offered_zones("eu-west-1")


def test_lists_as_they_are_written() -> None:
    text = f"{SUM}  a.zip\n{SUM} *b.zip\r\n{SUM[1:]}  c.zip\n{SUM}\n\n{SUM}  d.zip extra\n"
    assert parse_sums(text) == {"a.zip": SUM, "b.zip": SUM}
