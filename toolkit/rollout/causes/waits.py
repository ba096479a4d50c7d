"""What a template waits for, and the command that creates it; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.causes.draft import Draft


def template(
    task: str, missing: Sequence[tuple[str, str]], lines: tuple[str, ...], job: str
) -> Draft:
    """A task that waits for what its template reads; `missing` are kinds and names of Nomad's."""
    named = [_name(kind, name) for kind, name in missing]
    shown = ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
    commands = dict.fromkeys(_command(kind, name, job) for kind, name in missing)
    typed = ", ".join(f"`{command}`" for command in list(commands)[:3] if command)
    if len(missing) > 1 and None not in commands:
        advice = f"create them: {typed}; what is there already, the task may not read"
    else:
        kind, name = missing[0]
        advice = f"{_create(kind, name, job)}; if it is there, the task may not read it"
    return Draft("template", f"task {task} waits for {shown}", lines, advice)


def _name(kind: str, name: str) -> str:
    what = name.partition("@")[0].partition("|")[0]
    words = {
        "kv": "Consul key",
        "nomad.var": "Nomad variable",
        "health.service": "a passing instance of Consul service",
        "catalog.service": "an instance of Consul service",
        "nomad.service": "an instance of Nomad service",
        "vault": "Vault secret",
    }
    title = next((said for key, said in words.items() if kind.startswith(key)), kind)
    return f"{title} {what}"


def _command(kind: str, name: str, job: str) -> str | None:
    """The command that creates it, where one does."""
    what = name.partition("@")[0].partition("|")[0]
    if kind.startswith("kv"):
        return f"consul kv put {what} VALUE"
    if kind.startswith("nomad.var"):
        if job and what == f"nomad/jobs/{job}":
            return f"toolkit secret set {job} KEY"
        return f"nomad var put {what} KEY=VALUE"
    return f"vault kv put {what} KEY=VALUE" if kind.startswith("vault") else None


def _create(kind: str, name: str, job: str) -> str:
    if command := _command(kind, name, job):
        return f"create it: `{command}`"
    if "service" in kind:
        what = name.partition("@")[0].partition("|")[0]
        return f"deploy what offers service {what} first, or let the template do without"
    return "create what the template waits for, or take it out of the template"
