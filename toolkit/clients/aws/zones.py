"""The availability zones that a region offers an account."""

from __future__ import annotations

from typing import Any

from toolkit.errors import ApiError

ANSWER_SECONDS = 5.0


def offered_zones(
    region: str, *, endpoint: str | None = None, seconds: float = ANSWER_SECONDS
) -> tuple[str, ...]:
    """Names of the zones, sorted, without local and wavelength zones; ApiError when not answered.

    `seconds`: to connect, and to answer; asked once. Credentials come from where AWS's own tools
    look.
    """
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as exc:
        hint = "pip install 'nomad-toolkit[aws]'"
        raise ApiError("boto3 is not installed", system="AWS", hint=hint) from exc
    config = Config(
        connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
    )
    try:
        client = Session(region_name=region).client("ec2", config=config, endpoint_url=endpoint)
        answer = client.describe_availability_zones(
            Filters=[
                {"Name": "zone-type", "Values": ["availability-zone"]},
                {"Name": "state", "Values": ["available"]},
            ]
        )
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code") or "an answer without a code"
        raise ApiError(f"AWS says {code}", system="AWS") from exc
    except (BotoCoreError, ValueError) as exc:
        raise ApiError(_reason(exc), system="AWS") from exc
    found: list[dict[str, Any]] = answer.get("AvailabilityZones", [])
    return tuple(sorted(str(zone["ZoneName"]) for zone in found if zone.get("ZoneName")))


def _reason(exc: Exception) -> str:
    known = {
        "NoCredentialsError": "there are no credentials",
        "PartialCredentialsError": "the credentials are incomplete",
        "ProfileNotFound": "the profile that AWS_PROFILE names does not exist",
        "EndpointConnectionError": "AWS cannot be reached",
        "ConnectTimeoutError": "AWS cannot be reached in time",
        "ReadTimeoutError": "AWS did not answer in time",
    }
    return known.get(type(exc).__name__, f"the request failed ({type(exc).__name__})")
