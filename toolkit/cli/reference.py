"""The generated sections of `docs/reference.md`: what can be read from the code is never typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from toolkit.cli import catalog
from toolkit.errors import ExitCode
from toolkit.spec.report import VERDICT_CODES

MEANINGS = {
    ExitCode.OK: "done; after `deploy` and `verify`: the chain holds up to the edge",
    ExitCode.REFUSED: "nothing was changed: bad configuration, stale plan, an API said no",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.FAILED: "the new release did not take, and nothing verified serves in its place",
    ExitCode.UNPLACED: "does not fit and nothing was registered, or no capacity came in time",
    ExitCode.UNKNOWN: "undecided at the deadline, an API was lost, or a link cannot be seen",
    ExitCode.UNVERIFIED: "Nomad says successful, the chain to the edge does not hold",
    ExitCode.SUPERSEDED: "somebody else's newer version replaced this one",
    ExitCode.REVERTED: "the new release did not take; the old one is verified to serve",
    ExitCode.HELD: "promotion left to a person, paused, or stopped by somebody",
    ExitCode.CHANGES: "`plan` only: a deploy would change something",
    ExitCode.BUG: "an error of toolkit itself; `--debug` shows the traceback",
    ExitCode.INTERRUPTED: "Ctrl-C; the message says what goes on without us",
}


VARIABLES = {
    "TOOLKIT_ENV": "environment meant when `--env` is not given",
    "NOMAD_ADDR": "Nomad's address, where the environment leaves it open",
    "NOMAD_TOKEN": "Nomad ACL token",
    "NOMAD_NAMESPACE": "namespace",
    "NOMAD_REGION": "region",
    "NOMAD_CACERT": "file of certificates trusted for Nomad",
    "NOMAD_CAPATH": "folder of certificates trusted for Nomad",
    "NOMAD_CLIENT_CERT": "client certificate for Nomad",
    "NOMAD_CLIENT_KEY": "key of that certificate",
    "NOMAD_TLS_SERVER_NAME": "name expected in Nomad's certificate",
    "NOMAD_SKIP_VERIFY": "`true`: trust any certificate of Nomad's",
    "CONSUL_HTTP_ADDR": "Consul's address, where the environment leaves it open",
    "CONSUL_HTTP_TOKEN": "Consul ACL token",
    "CONSUL_HTTP_TOKEN_FILE": "file that holds it; wins over the token",
    "CONSUL_HTTP_SSL": "`true`: `https` for an address without a scheme",
    "CONSUL_HTTP_SSL_VERIFY": "`false`: trust any certificate of Consul's",
    "CONSUL_CACERT": "file of certificates trusted for Consul",
    "CONSUL_CAPATH": "folder of certificates trusted for Consul",
    "CONSUL_CLIENT_CERT": "client certificate for Consul",
    "CONSUL_CLIENT_KEY": "key of that certificate",
    "CONSUL_TLS_SERVER_NAME": "name expected in Consul's certificate",
    "TOOLKIT_TRAEFIK_PASSWORD": "password at Traefik's API, of the environment's `traefik_user`",
    "TOOLKIT_ACCESS": "environment that the other variables lead into, as `toolkit cluster env`"
    " exports them: for any other they are refused",
    "TOOLKIT_PROXY": "proxy for every call, where the environment says none",
    "TOOLKIT_EDGE_PRIVATE": "where requests from inside enter, where the environment does not say",
    "TOOLKIT_REGISTRY_PASSWORD": "password at the environment's registry, of its `registry_user`",
    "KICK_ADDR": "the kick server's address, where the environment leaves it open",
    "HOOK_ADDR": "the hook server's address, where the environment leaves it open",
    "NOMAD_BIN": "the nomad binary that `toolkit dev` runs",
    "CONSUL_BIN": "the consul binary that `toolkit dev` runs",
    "TRAEFIK_BIN": "the traefik binary that the local `traefik` job runs",
    "XDG_CACHE_HOME": "where built agents are kept; default: `~/.cache`",
    "TOOLKIT_ACTOR": "who deploys, for the history; default: `user@host`, or what a CI job says",
    "NO_COLOR": "anything: no colour",
    "TERM": "`dumb`: no colour",
}


def variables() -> str:
    """The environment variables that are read."""
    return table(("variable", "meaning"), ((f"`{name}`", doc) for name, doc in VARIABLES.items()))


def lint_rules() -> str:
    """The rules of `toolkit plan`, which `[lint] allow` takes."""
    from toolkit.rollout.lint import RULES

    return table(("rule", "why it matters"), ((f"`{rule}`", why) for rule, why in RULES.items()))


def commands() -> str:
    """Every command's help page, as the program prints it."""
    from toolkit.cli.helptext import pages

    parts = []
    for name, text in pages().items():
        if not name:
            continue
        level = "###" if " " not in name else "####"
        parts.append(f"{level} toolkit {name}\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(parts)


def overview() -> str:
    """One table of all commands."""
    rows = [
        (f"[`toolkit {entry.name}`](#toolkit-{entry.name.replace(' ', '-')})", entry.summary)
        for entry in catalog.COMMANDS
    ]
    return table(("command", "what it does"), rows)


def exit_codes() -> str:
    """One row a code: its verdicts and its meaning."""
    rows = []
    for code in ExitCode:
        words = [word for word, stands_for in VERDICT_CODES.items() if stands_for is code]
        rows.append((str(int(code)), ", ".join(f"`{word}`" for word in words), MEANINGS[code]))
    return table(("code", "verdicts", "meaning"), rows)


def project_keys() -> str:
    """The keys of toolkit.toml."""
    from toolkit.config.schema import PROJECT_KEYS

    return keys(PROJECT_KEYS)


def job_keys() -> str:
    """The keys of job.toml."""
    from toolkit.config.schema import JOB_KEYS

    return keys(JOB_KEYS)


def kick_keys() -> str:
    """The keys of kick.toml."""
    from toolkit.config.kick_schema import KICK_KEYS

    return keys(KICK_KEYS)


def hook_keys() -> str:
    """The keys of hook.toml."""
    from toolkit.config.hook_schema import HOOK_KEYS

    return keys(HOOK_KEYS)


def cluster_keys() -> str:
    """The keys of a cluster file."""
    from toolkit.config.clusterfile_schema import CLUSTER_KEYS

    return keys(CLUSTER_KEYS)


def keys(known: Iterable[object]) -> str:
    """A table of keys; `*` stands for a name of the user's choice."""
    rows = []
    for key in known:
        kind = getattr(key, "kind", "")
        choices = getattr(key, "choices", ())
        default = getattr(key, "default", "")
        takes = " or ".join(f'`"{choice}"`' for choice in choices) or kind
        doc = getattr(key, "doc", "")
        rows.append(
            (f"`{getattr(key, 'path', '')}`", takes, f"`{default}`" if default else "", doc)
        )
    return table(("key", "takes", "default", "meaning"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [_row(head), f"|{'---|' * len(head)}", *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


SECTIONS: dict[str, Callable[[], str]] = {
    "overview": overview,
    "commands": commands,
    "exit-codes": exit_codes,
    "variables": variables,
    "lint": lint_rules,
    "toolkit.toml": project_keys,
    "job.toml": job_keys,
    "kick.toml": kick_keys,
    "hook.toml": hook_keys,
    "cluster.toml": cluster_keys,
}

REFERENCE = "reference.md"
KICK = "kick.md"
HOOK = "hook.md"
CLUSTER = "cluster.md"
PAGES = {
    REFERENCE: SECTIONS.keys() - {"kick.toml", "hook.toml", "cluster.toml"},
    KICK: {"kick.toml"},
    HOOK: {"hook.toml"},
    CLUSTER: {"cluster.toml"},
}
"""Page of `docs/` -> the sections it has."""

_SECTION = re.compile(
    r"(<!-- generated: (?P<name>[a-z.-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL
)


def fill(text: str, page: str = REFERENCE) -> str:
    """A page with every generated section made again; ValueError when it lacks one, or has more."""
    _check_marks(text, PAGES[page])
    return _SECTION.sub(lambda match: f"{match[1]}\n{SECTIONS[match['name']]()}\n{match[3]}", text)


def _check_marks(text: str, sections: Collection[str]) -> None:
    # A mark with a typo would silently leave its section as it is.
    found = [match["name"] for match in _SECTION.finditer(text)]
    if text.count("<!-- generated:") != len(found) or {*found} != {*sections}:
        raise ValueError(f"sections are {sorted(sections)}, marks are {sorted(found)}")
