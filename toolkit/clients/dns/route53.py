"""Route 53 by boto3: public and private hosted zones of one account.

There are two clients, as they must not do the same about an error. botocore sends a request again
when its reply was lost; that is right for a read and wrong for a write, which Route 53 may have
done: sent again, a batch that deletes and creates is refused, and reported as somebody else's
doing. So reads are tried `READ_ATTEMPTS` times in botocore's standard mode, and a write is sent
once. Whoever asked for it decides by reading.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

from toolkit.clients.dns.listing import covered, list_order
from toolkit.clients.dns.provider import BatchRefusedError, ReplyLostError, deletes_first
from toolkit.clients.dns.route53_values import (
    from_name,
    from_rrset,
    is_ours_to_write,
    to_batch,
    to_name,
)
from toolkit.errors import InvalidRequestError
from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

if TYPE_CHECKING:
    from boto3.session import Session

SYSTEM = "Route 53"
MOST_CHANGES = 1000
"""Route 53 counts values; a batch of ours has one for each change at least."""
READ_ATTEMPTS = 3
PAGE = 300
"""Records of one answer at most."""
SESSION_NAME = "toolkit-kick"


@dataclass(frozen=True, slots=True)
class Keys:
    """AWS credentials that are given, not found where AWS's tools look for them."""

    access: str
    secret: Secret
    session: Secret | None = None


class Route53:
    """A provider of zones whose `id` is that of a hosted zone."""

    def __init__(
        self,
        access: Route53Access | None = None,
        *,
        keys: Keys | None = None,
        connect_seconds: float = 5.0,
        read_seconds: float = 20.0,
        read_attempts: int = READ_ATTEMPTS,
        page: int = PAGE,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        """Imports boto3 and connects at the first call; waits for `pace` before each.

        Without `keys`, credentials come from where AWS's tools look: variables, files, the role of
        the machine.
        """
        self._access = access or Route53Access()
        self._keys = keys
        self._seconds = (connect_seconds, read_seconds)
        self._attempts, self._page, self._pace = read_attempts, page, pace
        self._guard = RLock()
        self._session: Session | None = None
        self._clients: dict[bool, Any] = {}

    @property
    def most_changes(self) -> int:
        """AWS's limit."""
        return MOST_CHANGES

    def records(self, zone: Zone) -> Iterator[Record]:
        """Every record of the zone; a page is asked for when the one before it is used up."""
        start: dict[str, str] = {}
        while True:
            page, start = self._list(zone, self._page, start)
            yield from page
            if not start:
                return

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        """The records at these names, of every type; names that lie together cost one call."""
        waiting = sorted(set(names), key=list_order)
        found: list[Record] = []
        while waiting:
            first = waiting[0]
            listed, upto = self._stretch(zone, first, min(self._page, 10 + 5 * len(waiting)))
            known = {name for name in waiting if covered(name, first, upto)}
            found += [record for record in listed if record.name in known]
            waiting = [name for name in waiting if name not in known]
        return tuple(sorted(found, key=lambda record: record.key))

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        """Do a batch, whole or not at all; sent once, never again."""
        if not changes:
            raise InvalidRequestError("a batch without changes", system=SYSTEM)
        foreign = [each.record for each in changes if not is_ours_to_write(each.record)]
        if foreign:
            reasons = [f"{each.name} {each.type} is not written here" for each in foreign]
            raise BatchRefusedError(
                f"the zone {zone} was not asked: {reasons[0]}",
                system=SYSTEM,
                reasons=reasons,
                blamed=[each.key for each in foreign],
            )
        ordered = deletes_first(changes)
        batch = to_batch(ordered, comment)
        with self._translating(zone):
            client = self._client(write=True)
            # Whatever goes wrong with credentials goes wrong before anything is sent.
            self._authenticate()
        self._pace()
        with self._translating(zone, ordered, write=True):
            answer = client.change_resource_record_sets(HostedZoneId=zone.id, ChangeBatch=batch)
        info = answer.get("ChangeInfo") or {}
        if not info.get("Id") or info.get("Status") not in {"PENDING", "INSYNC"}:
            message = "Route 53 took the changes and did not say under which name"
            raise ReplyLostError(message, system=SYSTEM, hint="look before you try again")
        return Submitted(info["Id"].removeprefix("/change/"), info["Status"])

    def state(self, change: str) -> ChangeState:
        """Whether every server of Route 53 has a batch; NotFoundError for one it forgot."""
        self._pace()
        with self._translating(None):
            answer = self._client(write=False).get_change(Id=change)
        known = (answer.get("ChangeInfo") or {}).get("Status")
        return "INSYNC" if known == "INSYNC" else "PENDING"

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._session = None

    def _stretch(self, zone: Zone, first: str, most: int) -> tuple[list[Record], str | None]:
        """The list from a name on, all that is at it included; and where it goes on, if it does."""
        listed: list[Record] = []
        start = {"StartRecordName": to_name(first)}
        while True:
            page, start = self._list(zone, most, start)
            listed += page
            upto = from_name(start["StartRecordName"]) if start else None
            if upto != first:
                return listed, upto

    def _list(
        self, zone: Zone, most: int, start: Mapping[str, str]
    ) -> tuple[list[Record], dict[str, str]]:
        """One page of records, and from where the next one begins: empty after the last."""
        self._pace()
        with self._translating(zone):
            answer = self._client(write=False).list_resource_record_sets(
                HostedZoneId=zone.id, MaxItems=str(most), **start
            )
        following = {
            f"StartRecord{part}": answer[f"NextRecord{part}"]
            for part in ("Name", "Type", "Identifier")
            if answer.get("IsTruncated") and answer.get(f"NextRecord{part}")
        }
        return [from_rrset(each) for each in answer.get("ResourceRecordSets", ())], following

    @contextmanager
    def _translating(
        self, zone: Zone | None, changes: Sequence[Change] = (), *, write: bool = False
    ) -> Iterator[None]:
        from toolkit.clients.dns import route53_errors

        try:
            yield
        except route53_errors.VENDOR_ERRORS as exc:
            address = self._access.endpoint
            raise route53_errors.translate(
                exc, write=write, address=address, zone=zone, changes=changes
            ) from exc

    def _authenticate(self) -> None:
        """Have credentials that last, those of the role where there is one."""
        with self._guard:
            credentials = self._opened().get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()

    def _client(self, *, write: bool) -> Any:
        """The client for reads or for writes, made when it is first needed."""
        from botocore.config import Config

        with self._guard:
            if write not in self._clients:
                connect, read = self._seconds
                attempts = 1 if write else self._attempts
                config = Config(
                    connect_timeout=connect,
                    read_timeout=read,
                    retries={"mode": "standard", "total_max_attempts": attempts},
                )
                self._clients[write] = self._opened().client(
                    "route53", config=config, endpoint_url=self._access.endpoint or None
                )
            return self._clients[write]

    def _opened(self) -> Session:
        if self._session is None:
            self._session = open_session(self._access, self._keys)
        return self._session


def open_session(access: Route53Access, keys: Keys | None = None) -> Session:
    """A session of boto3 with the credentials of `access.role`, taken on again before they end."""
    from boto3.session import Session
    from botocore.config import Config
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError
    from botocore.session import get_session

    own = Session(region_name=access.region)
    if keys is not None:
        token = keys.session.reveal() if keys.session else None
        own = Session(keys.access, keys.secret.reveal(), token, region_name=access.region)
    if not access.role:
        return own
    source = own.get_credentials()
    if source is None:
        raise NoCredentialsError
    # Asking for a session twice does no harm.
    config = Config(retries={"mode": "standard", "total_max_attempts": READ_ATTEMPTS})
    core = get_session()
    fetcher = AssumeRoleCredentialFetcher(
        partial(
            core.create_client,
            region_name=access.region,
            endpoint_url=access.sts_endpoint or None,
            config=config,
        ),
        source,
        access.role,
        extra_args={"RoleSessionName": SESSION_NAME},
    )
    # botocore has no public way to give a session credentials that renew themselves.
    core._credentials = DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return Session(botocore_session=core, region_name=access.region)
