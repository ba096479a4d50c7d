"""`toolkit dns iam`: the policy of the role that the kick server takes on; no network."""

from __future__ import annotations

from toolkit.config.kick import load_kick
from toolkit.config.settings import Settings
from toolkit.config.tree import read_or_none
from toolkit.dns.iam import kick_role_policy
from toolkit.errors import ConfigError, Mistake, RefusedError
from toolkit.spec.dns_reports import DnsIamReport
from toolkit.workflows.kick_job import KICK


def iam(settings: Settings) -> DnsIamReport:
    """What follows from the environment's kick.toml; ConfigError with every mistake in it.

    RefusedError where none of its zones is in Route 53.
    """
    path = KICK.policy_file(settings.target)
    text = None if settings.project is None else read_or_none(settings.project.tree, path)
    if text is None:
        message = "does not exist, and nothing else says what the role has to be able to do"
        raise ConfigError([Mistake(path, None, None, message, "docs/kick.md has every key")])
    config = load_kick(text, path)
    if not any(zone.provider == "route53" for zone in config.zones):
        raise RefusedError(
            f"no zone of {path} is in Route 53, so its server needs no role",
            hint="-e names the environment whose server has one",
        )
    return DnsIamReport(path, kick_role_policy(config))
