"""One environment, opened: settings, clients and clocks for the workflows."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.config.jobs import load_job
from toolkit.config.settings import Settings
from toolkit.rollout.world import World
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.target import Target


@dataclass(frozen=True)
class Session:
    """What every workflow that talks to a cluster takes."""

    settings: Settings
    world: World

    @property
    def target(self) -> Target:
        """The environment."""
        return self.world.target

    @property
    def nomad(self) -> Nomad:
        """Nomad's client."""
        return self.world.nomad

    @property
    def consul(self) -> Consul:
        """Consul's client."""
        return self.world.consul

    def close(self) -> None:
        """Close the connections of both clients; a loop that opens many sessions must."""
        self.nomad.close()
        self.consul.close()

    def glancing(self) -> Session:
        """The same session for a command that looks once, see `World.glancing`."""
        return replace(self, world=self.world.glancing())

    def load(self, job: str) -> JobSpec:
        """The job file behind a name or a path, every layer applied."""
        return load_spec(self.settings, job)

    def render(self, job: str, canary: tuple[int, ...] = ()) -> RenderedJob:
        """The job's HCL, images by their digests; `canary`: steps of the command line."""
        from toolkit.workflows.hook_job import HOOK, check_programs
        from toolkit.workflows.image.pin import pinned
        from toolkit.workflows.kick_job import KICK
        from toolkit.workflows.render import render_job

        rendered = render_job(self.settings, job, canary, placed=pinned)
        for server in (KICK, HOOK):
            server.check_installed(rendered.spec)
        check_programs(rendered.spec)
        return rendered


def load_spec(settings: Settings, job: str) -> JobSpec:
    """The job file behind a name or a path; no network."""
    return load_job(settings.project, job, settings.target, settings.flags, python=sys.executable)


def open_session(settings: Settings) -> Session:
    """Clients for the environment that the settings name; nothing is called yet."""
    target = settings.target
    nomad = Nomad(target.nomad, namespace=target.namespace, region=target.region)
    return Session(settings, World(target, nomad, Consul(target.consul)))
