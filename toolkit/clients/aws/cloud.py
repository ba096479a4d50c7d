"""One account in one region, as every client of AWS's services asks it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from toolkit.errors import ApiError, OtherAccountError, ServerError
from toolkit.spec.aws import Identity

if TYPE_CHECKING:
    from boto3.session import Session

Answer = dict[str, Any]

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
ATTEMPTS = 6
"""Of one call, botocore's waits between them included: about half a minute of throttling."""

_LOGGERS = ("boto3", "botocore", "urllib3")


class Cloud:
    """Asks AWS, and makes every failure one of `toolkit.errors`.

    Credentials come from where AWS's own tools look, and so does the endpoint (AWS_ENDPOINT_URL)
    unless one is given.
    """

    def __init__(
        self,
        region: str,
        *,
        account: str | None = None,
        endpoint: str | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        attempts: int = ATTEMPTS,
        clients: Mapping[str, Any] | None = None,
    ) -> None:
        """Imports boto3 and connects at the first call.

        `account`: with credentials of any other nothing is asked. `clients`: boto3 clients by
        service, instead of our own.
        """
        self.region = region
        self.account = account
        self._endpoint = endpoint
        self._seconds = (connect_seconds, read_seconds)
        self._attempts = attempts
        self._guard = RLock()
        self._session: Session | None = None
        self._identity: Identity | None = None
        self._clients: dict[tuple[str, bool], Any] = {}
        self._given = dict(clients or {})
        self.asked = 0
        """Requests so far; one that botocore sent again counts once."""

    @property
    def endpoint(self) -> str:
        """The address that is asked instead of AWS's; empty: the one that boto3 finds."""
        return self._endpoint or ""

    def identity(self) -> Identity:
        """Whom the credentials are of; asked once. OtherAccountError for another's."""
        with self._guard:
            if self._identity is None:
                found = self._ask("sts", "get_caller_identity", {})
                self._identity = Identity(str(found["Account"]), str(found["Arn"]))
            identity = self._identity
        if self.account is not None and identity.account != self.account:
            raise OtherAccountError(identity.account, self.account)
        return identity

    def call(
        self,
        service: str,
        operation: str,
        /,
        *,
        about: str = "",
        conceal: str = "",
        once: bool = False,
        **params: Any,
    ) -> Answer:
        """One call, by boto3's names: `call("ec2", "describe_vpcs")`.

        `about`: what an error's message names beside the call. `conceal`: a value among the
        parameters that must be in no error. `once`: never send it again by itself, as a second one
        would be a second thing.
        """
        self._pinned()
        answer: Answer = self._ask(service, operation, params, about, conceal=conceal, once=once)
        return answer

    def ask(
        self,
        service: str,
        operation: str,
        /,
        *,
        unless: re.Pattern[str],
        about: str = "",
        conceal: str = "",
        once: bool = False,
        **params: Any,
    ) -> Answer | None:
        """One call; None when AWS's answer, as `CODE: TEXT`, matches `unless`."""
        self._pinned()
        answer: Answer | None = self._ask(
            service, operation, params, about, unless=unless, conceal=conceal, once=once
        )
        return answer

    def pages(
        self, service: str, operation: str, key: str, /, *, about: str = "", **params: Any
    ) -> Iterator[Answer]:
        """The items of a list, named `key` in its pages; a page is asked for when it is needed."""
        for page in self.whole_pages(service, operation, about=about, **params):
            yield from page.get(key) or ()

    def whole_pages(
        self,
        service: str,
        operation: str,
        /,
        *,
        unless: re.Pattern[str] | None = None,
        about: str = "",
        **params: Any,
    ) -> Iterator[Answer]:
        """The pages of a list; none when AWS's answer matches `unless`."""
        self._pinned()
        with self._translating(service, operation, about):
            client = self._client(service)
            pages = iter(client.get_paginator(operation).paginate(**params))
        while True:
            self.asked += 1
            page: Answer | None = {}
            with self._translating(service, operation, about, unless=unless):
                page = next(pages, None)
            if page is None:
                # The one before was the last, which boto3 knew without asking.
                self.asked -= 1
            if not page:
                return
            yield page

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._session = None

    def _pinned(self) -> None:
        """Nothing is asked with the credentials of another account."""
        if self.account is not None:
            self.identity()

    def _ask(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        about: str = "",
        *,
        unless: re.Pattern[str] | None = None,
        conceal: str = "",
        once: bool = False,
    ) -> Any:
        self.asked += 1
        with self._translating(service, operation, about, unless=unless, conceal=conceal):
            return getattr(self._client(service, once=once), operation)(**params)
        return None

    @contextmanager
    def _translating(
        self,
        service: str,
        operation: str,
        about: str,
        *,
        unless: re.Pattern[str] | None = None,
        conceal: str = "",
    ) -> Iterator[None]:
        """Errors of boto3 become ours; the ones that `unless` knows are no errors."""
        try:
            from toolkit.clients.aws import errors
        except ImportError as exc:
            hint = "pip install 'nomad-toolkit[aws]'"
            raise ApiError("boto3 is not installed", system="AWS", hint=hint) from exc
        try:
            yield
        except errors.VENDOR_ERRORS as exc:
            if unless is not None and unless.search(errors.code_of(exc)):
                return
            name = "".join(part.title() for part in operation.split("_"))
            asked = errors.Asked(service, name, self.region, self.endpoint, about)
            ours = errors.translate(exc, asked, conceal=conceal)
            # AWS quotes what it refuses: with a secret in it, its words stay with us.
            raise ours from (None if conceal else exc)

    def _client(self, service: str, *, once: bool = False) -> Any:
        if service in self._given:
            return self._given[service]
        from botocore.config import Config

        attempts = 1 if once else self._attempts
        connect, read = self._seconds
        with self._guard:
            if (service, once) not in self._clients:
                config = Config(
                    connect_timeout=connect,
                    read_timeout=read,
                    retries={"mode": "standard", "total_max_attempts": attempts},
                )
                self._clients[service, once] = self._opened().client(
                    service, config=config, endpoint_url=self._endpoint
                )
            return self._clients[service, once]

    def _opened(self) -> Session:
        if self._session is None:
            from boto3.session import Session

            # At DEBUG they write whole requests, and some of ours carry secrets.
            for name in _LOGGERS:
                logger = logging.getLogger(name)
                logger.setLevel(max(logger.level, logging.INFO))
            self._session = Session(region_name=self.region)
        return self._session


def only(answer: Answer, key: str, what: str) -> Answer:
    """The one item of a list that was asked for by its id."""
    items: list[Answer] = answer.get(key) or []
    if len(items) != 1:
        raise ServerError(f"AWS answered with {len(items)} of {what}", system="AWS")
    return items[0]


def tags_of(listed: Any, key: str = "Key", value: str = "Value") -> Mapping[str, str]:
    """AWS's list of tags as a mapping."""
    return {str(each[key]): str(each.get(value, "")) for each in listed or ()}
