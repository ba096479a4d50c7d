"""Each way in which AWS, or the way to it, says no; and what of it a message may not repeat."""

from __future__ import annotations

import contextlib
import json
import logging
import ssl
import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.exceptions as boto
import pytest
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from tests.cluster.aws.account import Aws
from tests.faults.scripted import Reply, Scripted
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.errors import LATER, Asked, ended, translate
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.aws.stacks import Stacks
from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.target import Secret

REGION = "eu-west-1"
ASKED = Asked("ec2", "DescribeVpcs", REGION)
CANARY = "the-canary/that+must=not&be seen"

Stubbed = tuple[Cloud, Stubber]


@pytest.fixture(scope="module")
def cloudformation() -> Iterator[Any]:
    client = boto3.session.Session("id", "key", region_name=REGION).client("cloudformation")
    yield client
    client.close()


@pytest.fixture
def stubbed(cloudformation: Any) -> Iterator[Stubbed]:
    with Stubber(cloudformation) as stubber:
        yield Cloud(REGION, clients={"cloudformation": cloudformation}), stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, and no others anywhere."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")


def cloud_of(endpoint: str, **more: Any) -> contextlib.closing[Cloud]:
    more = {"connect_seconds": 5.0, "read_seconds": 5.0, "attempts": 1, **more}
    return contextlib.closing(Cloud(REGION, endpoint=endpoint, **more))


# --- what AWS answers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "status", "kind", "said", "hint"),
    [
        ("ExpiredToken", "x", 403, DeniedError, "credentials have expired", "log in again"),
        ("ExpiredTokenException", "x", 400, DeniedError, "have expired", "log in again"),
        ("RequestExpired", "x", 400, DeniedError, "have expired", "log in again"),
        ("AccessDenied", "no ec2", 403, DeniedError, "denied: no ec2", "need ec2:DescribeVpcs"),
        ("UnauthorizedOperation", "no", 403, DeniedError, "denied", "need ec2:DescribeVpcs"),
        ("AccessDeniedException", "no", 400, DeniedError, "denied", "need ec2:DescribeVpcs"),
        ("InvalidClientTokenId", "x", 403, DeniedError, "does not know", "not enabled there"),
        ("UnrecognizedClientException", "x", 400, DeniedError, "does not know", "sts"),
        ("AuthFailure", "x", 401, DeniedError, "does not know", "sts"),
        ("OptInRequired", "x", 403, DeniedError, "not enabled", "switch eu-west-1 on"),
        ("SignatureDoesNotMatch", CANARY, 403, DeniedError, "signature", "clock"),
        ("Throttling", "Rate exceeded", 400, ServerError, "Rate exceeded", LATER),
        ("RequestLimitExceeded", "slow", 503, ServerError, "slow", LATER),
        ("TooManyRequestsException", "slow", 429, ServerError, "slow", LATER),
        ("InternalFailure", "oh", 500, ServerError, "oh", LATER),
        ("Odd", "<!DOCTYPE html><p>proxy", 502, ServerError, "status 502: a page of HTML", LATER),
        ("InvalidVpcID.NotFound", "gone", 400, NotFoundError, "gone", None),
        ("ValidationError", "Stack with id x does not exist", 400, NotFoundError, "id x", None),
        ("ValidationError", "Template format error", 400, InvalidRequestError, "format", None),
        ("ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated",
         400, ConflictError, "IN_PROGRESS", None),
        ("ValidationError", "Stack [x] cannot be deleted while TerminationProtection is enabled",
         400, ConflictError, "TerminationProtection", None),
        ("InvalidChangeSetStatus", "obsolete", 400, ConflictError, "obsolete", None),
        ("VolumeInUse", "attached", 400, ConflictError, "attached", None),
        ("HostedZoneNotEmpty", "has records", 400, ConflictError, "has records", None),
        ("DependencyViolation", "has a dependent", 400, ConflictError, "dependent", None),
        ("AddressLimitExceeded", "5 of 5", 400, InvalidRequestError, "5 of 5", "quota"),
        ("Whatever", "", 400, InvalidRequestError, "Whatever", None),
        ("", "", 400, InvalidRequestError, "refused without a word", None),
        ("Odd", "no", 403, DeniedError, "denied: no", "need ec2:DescribeVpcs"),
    ],
)  # fmt: skip
def test_an_answer(
    code: str, text: str, status: int, kind: type[ApiError], said: str, hint: str | None
) -> None:
    response: Any = {
        "Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status},
    }  # fmt: skip
    error = translate(boto.ClientError(response, "DescribeVpcs"), ASKED)
    assert type(error) is kind
    assert said in error.message
    assert "ec2:DescribeVpcs in eu-west-1" in error.message
    assert (hint is None) == (error.hint is None)
    assert hint is None or hint in (error.hint or "")
    assert CANARY not in error.message
    assert ended(error) == (hint == "log in again")


OTHERS = [
    (boto.NoCredentialsError(), DeniedError, "there are no AWS credentials"),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), DeniedError, "incomplete"),
    (boto.ProfileNotFound(profile="p"), DeniedError, "AWS_PROFILE"),
    (boto.ConfigParseError(path="p"), DeniedError, "cannot be read"),
    (boto.CredentialRetrievalError(provider="p", error_msg="m"), DeniedError, "have ended"),
    (boto.TokenRetrievalError(provider="p", error_msg="m"), DeniedError, "have ended"),
    (boto.UnauthorizedSSOTokenError(), DeniedError, "have ended"),
    (boto.EndpointConnectionError(endpoint_url="u"), UnreachableError, "cannot be reached"),
    (boto.ConnectTimeoutError(endpoint_url="u"), UnreachableError, "no connection in time"),
    (boto.ProxyConnectionError(proxy_url="u"), UnreachableError, "no connection in time"),
    (boto.ReadTimeoutError(endpoint_url="u"), UnreachableError, "did not answer in time"),
    (boto.ConnectionClosedError(endpoint_url="u"), UnreachableError, "closed without an answer"),
    (boto.SSLError(endpoint_url="u", error="e"), UnreachableError, "TLS"),
    (boto.PaginationError(message="m"), ServerError, "does not end"),
    (ResponseParserError("m"), ServerError, "cannot be read"),
    (boto.ParamValidationError(report="r"), InvalidRequestError, "never asked so"),
    (boto.InvalidRegionError(region_name="r"), InvalidRequestError, "never asked so"),
    (boto.UnknownServiceError(service_name="s", known_service_names="k"),
     InvalidRequestError, "cannot ask"),
]  # fmt: skip


@pytest.mark.parametrize(("exc", "kind", "said"), OTHERS, ids=lambda each: type(each).__name__)
def test_no_answer(exc: Exception, kind: type[ApiError], said: str) -> None:
    error = translate(exc, ASKED)
    assert type(error) is kind
    assert said in error.message
    lost = isinstance(exc, boto.ReadTimeoutError | boto.ConnectionClosedError)
    assert getattr(error, "lost_reply", False) == lost
    assert kind is not DeniedError or error.hint


def test_a_certificate_that_is_not_trusted() -> None:
    reason = ssl.SSLCertVerificationError(1, "self-signed")
    exc = boto.SSLError(endpoint_url="u", error=reason)
    exc.__context__ = reason
    assert type(translate(exc, ASKED)) is TlsError


def test_every_error_of_boto3_becomes_one_of_ours() -> None:
    kinds: list[Any] = [
        each
        for each in vars(boto).values()
        if isinstance(each, type) and issubclass(each, boto.BotoCoreError)
    ]
    assert len(kinds) > 60
    for kind in kinds:
        # Their constructors want the words of their texts.
        exc = kind.__new__(kind)
        assert isinstance(translate(exc, ASKED), ApiError), kind


# --- what is not taken for absence --------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        ("Throttling", "Rate exceeded", ServerError),
        ("AccessDenied", "User is not authorized to perform: cloudformation:DescribeStacks",
         DeniedError),
        ("ExpiredToken", "The security token included in the request is expired", DeniedError),
        ("InternalFailure", "", ServerError),
        ("ValidationError", "1 validation error detected: Value 'prod'", InvalidRequestError),
        ("AccessDenied", "Stack with id prod does not exist", DeniedError),
    ],
)  # fmt: skip
def test_only_its_own_answer_means_that_a_stack_is_not_there(
    stubbed: Stubbed, code: str, text: str, kind: type[ApiError]
) -> None:
    cloud, stubber = stubbed
    for name in ("describe_stacks", "list_stack_resources", "describe_stack_events"):
        stubber.add_client_error(name, code, text, 400)
    stacks = Stacks(cloud)
    for ask in (stacks.find, stacks.resources, lambda name: stacks.events(name, None)):
        with pytest.raises(kind):
            ask("prod")
    stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id x does not exist")
    assert stacks.find("prod") is None


def test_a_token_that_expires_in_the_middle_of_a_list(stubbed: Stubbed) -> None:
    cloud, stubber = stubbed
    row = {
        "LogicalResourceId": "Vpc", "ResourceType": "AWS::EC2::VPC", "ResourceStatus": "x",
        "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    stubber.add_response(
        "list_stack_resources", {"StackResourceSummaries": [row], "NextToken": "2"}
    )
    stubber.add_client_error("list_stack_resources", "ExpiredToken", "expired", 403)
    with pytest.raises(DeniedError, match="expired") as caught:
        Stacks(cloud).resources("prod")
    assert ended(caught.value)
    assert cloud.asked == 2


# --- on the wire --------------------------------------------------------------------------------


def test_throttled_until_the_end(keys: None) -> None:
    throttled = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message>"
    with Scripted(Reply(throttled + b"</Error></ErrorResponse>", 400)) as aws:
        with cloud_of(aws.address, attempts=2) as cloud, pytest.raises(ServerError) as caught:
            Stacks(cloud).find("prod")
        assert len(aws.asked) == 2
    assert "Rate exceeded" in caught.value.message
    assert caught.value.hint == LATER


def test_a_failure_is_asked_again_and_then_said(keys: None) -> None:
    with Scripted(Reply(b"<html>oh", 500)) as aws:
        with cloud_of(aws.address, attempts=2) as cloud, pytest.raises(ServerError) as caught:
            Machines(cloud).instances("prod")
        assert len(aws.asked) == 2
    assert caught.value.status == 500


def test_what_would_be_made_twice_is_sent_once(keys: None) -> None:
    """The server has the request, and keeps its answer to itself."""
    with Scripted(Reply(hold=True)) as aws:
        more = {"attempts": 3, "read_seconds": 0.2}
        with cloud_of(aws.address, **more) as cloud, pytest.raises(UnreachableError) as caught:
            cloud.call("kms", "create_key", once=True)
        assert len(aws.asked) == 1
    assert caught.value.lost_reply


def test_nobody_there_is_not_a_lost_answer(keys: None) -> None:
    with cloud_of("http://127.0.0.1:1") as cloud, pytest.raises(UnreachableError) as caught:
        Machines(cloud).groups("prod")
    assert not caught.value.lost_reply
    assert "http://127.0.0.1:1 cannot be reached" in caught.value.message


def test_a_region_that_has_no_name_in_dns(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that is nobody's, so that nothing outside is asked.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://ec2.eu-wset-1.invalid")
    with (
        contextlib.closing(Cloud("eu-wset-1", attempts=1)) as cloud,
        pytest.raises(UnreachableError, match=r"in eu-wset-1: https://ec2\.eu-wset-1") as caught,
    ):
        Machines(cloud).groups("prod")
    assert "is `eu-wset-1` the region's name" in (caught.value.hint or "")


def test_no_credentials_are_said_before_anything_is_asked(
    keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Scripted(Reply(status=500)) as aws:
        with cloud_of(aws.address) as cloud, pytest.raises(DeniedError, match="no AWS credentials"):
            Stacks(cloud).find("prod")
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        with cloud_of(aws.address) as cloud, pytest.raises(DeniedError, match="AWS_PROFILE"):
            Stacks(cloud).find("prod")
        assert aws.asked == []


def test_another_account_s_credentials_do_nothing(aws: Aws) -> None:
    with contextlib.closing(Cloud(REGION, account="999999999999")) as cloud:
        for _ in range(2):
            with pytest.raises(RefusedError, match=r"account 123456789012, and .* 999999999999"):
                Stacks(cloud).find("prod")
        with pytest.raises(RefusedError):
            list(cloud.pages("ec2", "describe_vpcs", "Vpcs"))
    assert aws.operations() == ["GetCallerIdentity"]
    with contextlib.closing(Cloud(REGION, account="123456789012")) as cloud:
        assert Stacks(cloud).find("prod") is None
        assert cloud.identity().account == "123456789012"
        assert cloud.asked == 2


WITHOUT = """
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
from toolkit.clients.aws import balancers, ecr, hosted, inventory, keys, limits, machines, notices
from toolkit.clients.aws import parameters, stacks, zones
from toolkit.clients.aws.cloud import Cloud
from toolkit.errors import ApiError
for ask in (stacks.Stacks(Cloud("eu-west-1")).resources, machines.Machines(Cloud("x")).groups):
    try:
        ask("prod")
    except ApiError as error:
        print(error.message, error.hint)
"""


def test_without_boto3_only_asking_fails() -> None:
    """Whatever does not talk to AWS neither needs it nor waits for its import."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60, check=True
    )
    assert (
        done.stdout.splitlines() == ["boto3 is not installed pip install 'nomad-toolkit[aws]'"] * 2
    )


# --- secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("quoted", [CANARY, f"{CANARY[:20]}...", CANARY.replace(" ", "\n  ")])
def test_a_secret_that_aws_quotes_is_in_no_error_and_no_log(
    keys: None, caplog: pytest.LogCaptureFixture, quoted: str
) -> None:
    said = f"1 validation error detected: Value '{quoted}' at 'value' failed"
    body = json.dumps({"__type": "ValidationException", "message": said}).encode()
    for name in (None, "botocore", "urllib3", "boto3"):
        caplog.set_level(logging.DEBUG, name)
    with Scripted(Reply(body, 400)) as aws, cloud_of(aws.address) as cloud:
        store = ParameterStore(cloud, "prod", "alias/toolkit/prod")
        for keep in (store.put_new, store.replace):
            with pytest.raises(InvalidRequestError) as caught:
                keep("ca/key", Secret(CANARY))
            assert "(ca/key): ValidationException" in caught.value.message
            told = "".join(traceback.format_exception(caught.value))
            assert CANARY[:12] not in told + repr(caught.value) + str(caught.value.hint)
        assert CANARY.encode() in aws.asked[0].body
    assert CANARY[:12] not in caplog.text


def test_what_repeats_no_secret_is_said(keys: None) -> None:
    body = b'{"__type": "InvalidKeyId", "message": "alias/toolkit/prod is not there"}'
    with (
        Scripted(Reply(body, 400)) as aws,
        cloud_of(aws.address) as cloud,
        pytest.raises(InvalidRequestError, match="prod is not there"),
    ):
        ParameterStore(cloud, "prod", "a").put_new("ca/key", Secret(CANARY))


def test_a_secret_that_boto3_quotes_is_in_no_error(keys: None) -> None:
    with cloud_of("http://127.0.0.1:1") as cloud, pytest.raises(InvalidRequestError) as caught:
        cloud.call("ssm", "put_parameter", conceal=CANARY, Name=1, Value=[CANARY])
    told = "".join(traceback.format_exception(caught.value))
    assert "never asked so" in told
    assert CANARY not in told


def test_a_store_shows_no_value(aws: Aws) -> None:
    with contextlib.closing(Cloud(REGION)) as cloud:
        store = ParameterStore(cloud, "prod", "alias/toolkit/prod")
        store.put_new("ca/key", Secret(CANARY))
        assert CANARY not in repr(store.read_all()) + repr(vars(store)) + repr(store.get("ca/key"))
