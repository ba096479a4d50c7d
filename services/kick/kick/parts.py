"""Opening what the server works with, in order, and closing it in the reverse.

Whoever asks meanwhile is told what is waited for: another kick that still holds the audit, or a
provider that does not answer.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping

from kick.cluster_view import ClusterView
from kick.endpoints_statuses import REPORT, read_back, reporter_name
from kick.kick import Kick
from kick.nameserver import NameServer
from kick.pace import Pace
from kick.reconciler import Reconciler
from kick.reconciler_metrics import ReconcilerMetrics
from kick.settings import Settings
from kick.statuses import Send, Status, Statuses
from kick.writer import Writer, WriterLimits
from toolkit.clients.dns.provider import Provider
from toolkit.clients.dns.route53 import Route53
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.clients.webhook import post
from toolkit.errors import ApiError
from toolkit.serving.audit import Audit
from toolkit.serving.parts import BaseParts
from toolkit.spec.kick import KickConfig, Route53Access
from toolkit.spec.target import Secret

_SEARCHED = 20_000
"""Entries of the audit in which statuses are looked for at the start."""
_LONGEST_PAUSE = 15.0


class Parts(BaseParts):
    """Everything that is opened; `close` whatever came of it."""

    def __init__(self, settings: Settings, kick: Kick):
        super().__init__(kick.log)
        self._settings = settings
        self._kick = kick

    def open(self) -> None:
        """Open everything; zones are waited for as long as it takes."""
        settings, kick, config = self._settings, self._kick, self._settings.config
        # First of all: who holds it is the one kick, and its lock says who that is.
        kick.waits_for("the audit file")
        audit = Audit.open(
            settings.data / "audit",
            who=settings.who,
            now=time.time,
            clock=time.monotonic,
            sleep=self._sleep,
            patience=settings.patience,
            most=config.limits.audit_file,
        )
        self.closes(audit.close)
        if audit.mended is not None:
            kick.log.say("mended", what=audit.mended)
        kick.waits_for("the zones")
        providers = self._providers()
        writer = Writer(
            zones=config.zones,
            providers=providers,
            audit=audit,
            permit=lambda caller, zone, record, held: kick.permit(caller, zone, record, held=held),
            clock=time.monotonic,
            now=time.time,
            sleep=time.sleep,
            random=random.random,
            limits=WriterLimits(waiting=config.limits.waiting, remember=config.limits.remember),
        )
        self.closes(lambda: writer.close(6.0))
        self._start(writer)
        statuses = self._statuses(audit)
        self.closes(lambda: statuses.stop(2.0))
        reconciler = Reconciler(
            config,
            cluster=self._cluster,
            writer=writer,
            audit=audit,
            clock=time.monotonic,
            now=time.time,
            log=kick.log,
            metrics=ReconcilerMetrics(kick.metrics.registry),
        )
        self.closes(lambda: reconciler.stop(4.0))
        kick.open(writer=writer, audit=audit, statuses=statuses, reconciler=reconciler)
        reconciler.start()
        kick.log.say("ready", cluster=config.cluster, zones=", ".join(map(str, config.zones)))

    def _cluster(self, told: Callable[[], None]) -> ClusterView:
        settings = self._settings
        return ClusterView(
            settings.nomad_now, lambda: settings.consul, told=told, bug=self._kick.log.bug
        )

    def _providers(self) -> Mapping[str, Provider]:
        """One of each kind that a zone needs, and the DNS server of those that are files."""
        settings, zones = self._settings, self._settings.config.zones
        wanted = {zone.provider for zone in zones}
        found: dict[str, Provider] = {}
        if "local" in wanted:
            files = ZoneFiles(settings.data / "zones", wait=settings.patience, sleep=self._sleep)
            self.closes(files.close)
            found["local"] = files
            if settings.dns or settings.dns_private:
                local = [zone for zone in zones if zone.provider == "local"]
                server = NameServer(files, local, public=settings.dns, private=settings.dns_private)
                server.start()
                self.closes(server.close)
                public, private = server.address("public"), server.address("private")
                self._kick.log.say("dns", public=_said(public), private=_said(private))
        if "route53" in wanted:
            access = settings.config.route53
            pace = pace_of(access, clock=time.monotonic, sleep=time.sleep)
            route53 = Route53(access, pace=pace.take)
            self.closes(route53.close)
            found["route53"] = route53
        return found

    def _start(self, writer: Writer) -> None:
        """Load the zones, again and again while their provider is away."""
        pause = 0.5
        while True:
            try:
                writer.start()
            except ApiError as exc:
                # To strangers no more is said than for what: the provider's words go here.
                self._kick.log.say("waits", error=exc.message)
                self._sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return

    def _statuses(self, audit: Audit) -> Statuses:
        config = self._settings.config
        statuses = Statuses(
            config.status.kept,
            cluster=config.cluster,
            send=sender(config, self._settings.status_token),
            counted=lambda result: self._kick.metrics.forwarded.labels(result).inc(),
        )
        statuses.start(known_statuses(audit, config.status.kept))
        return statuses


def pace_of(
    access: Route53Access, *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Pace:
    """How fast Route 53 is asked: kick.toml leaves others in the account their part."""
    return Pace(access.calls, clock=clock, sleep=sleep)


def sender(config: KickConfig, token: Secret | None) -> Send | None:
    """How statuses are sent on: to the configured address and no other; None where there is none.

    Redirects are not followed: where they lead, nobody configured.
    """
    target = config.status.forward
    if not target:
        return None

    def send(body: Mapping[str, object]) -> str | None:
        return post(
            target,
            json.dumps(body).encode(),
            token=token.reveal() if token else None,
            timeout=config.status.timeout,
        )

    return send


def _said(address: tuple[str, int] | None) -> str | None:
    return None if address is None else f"{address[0]}:{address[1]}"


def known_statuses(audit: Audit, most: int) -> list[Status]:
    """The newest statuses that the audit has, oldest first; those that were answered with yes."""
    head = audit.head.seq
    intents: dict[int, Status] = {}
    found: list[Status] = []
    for entry in audit.entries(max(1, head - _SEARCHED), head) if head else ():
        if entry.what.action != REPORT:
            continue
        if entry.what.kind == "outcome":
            status = intents.pop(entry.what.intent, None)
            if status is not None and entry.what.result == "done":
                found.append(status)
            continue
        actor = entry.what.actor
        reporter = reporter_name(str(actor), is_job=actor.kind == "workload")
        status = read_back(entry.time, reporter, entry.what.after)
        if status is not None:
            intents[entry.seq] = status
    return found[-most:]
