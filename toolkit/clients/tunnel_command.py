"""The command lines of `ssh` and `aws ssm` that lead into a cluster. Pure.

None has a secret in it: a key is named by its file, credentials are found by the programs
themselves.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SSH, AWS, PLUGIN = "ssh", "aws", "session-manager-plugin"
READY = "ready"
"""What a tunnel says on its standard output once it stands."""
CONNECT_SECONDS = 20
ALIVE_SECONDS, ALIVE_COUNT = 15, 3
"""A tunnel whose other end is silent for the product of both ends by itself."""


class Jump(NamedTuple):
    """The bastion: reached by the user's own SSH key or agent, at an address of the world."""

    instance: str
    user: str
    address: str


class Door(NamedTuple):
    """A machine that one goes in at."""

    instance: str
    """Its id: what SSM knows it by, and what its host key is remembered by."""
    address: str
    """Private IPv4 address: what the bastion knows it by."""
    user: str
    region: str
    jump: Jump | None = None
    """None: through SSM."""


class Keys(NamedTuple):
    """The files of a connection, all of its own."""

    identity: Path
    """Private key."""
    known_hosts: Path


def tunnel_command(door: Door, keys: Keys, port: int) -> tuple[str, ...]:
    """A SOCKS proxy on loopback that dials, and looks up names, at the door.

    Says READY on standard output when it stands, and asks nobody anything.
    """
    return (
        SSH,
        "-N",
        *("-D", f"127.0.0.1:{port}"),
        *_options(door, keys, "BatchMode=yes"),
        *("-o", "ExitOnForwardFailure=yes"),
        # Run after the port was bound, by this very ssh: a connection to the port says less.
        *("-o", "PermitLocalCommand=yes", "-o", f"LocalCommand=echo {READY}"),
        *("-o", "LogLevel=ERROR"),
        _place(door),
    )


def ssh_command(door: Door, keys: Keys, command: Sequence[str] = ()) -> tuple[str, ...]:
    """A shell on a machine, or a command there; the terminal is its own."""
    ask = ("-t",) if not command else ()
    # ssh joins with blanks what it hands to the machine's shell.
    said = ("--", shlex.join(command)) if command else ()
    return (SSH, *ask, *_options(door, keys), _place(door), *said)


def bastion_command(jump: Jump, known_hosts: Path, command: Sequence[str] = ()) -> tuple[str, ...]:
    """A shell on the bastion itself, or a command there, with the user's own key."""
    ask = ("-t",) if not command else ()
    said = ("--", shlex.join(command)) if command else ()
    return (
        SSH,
        *ask,
        *_flags(_to_bastion(jump, known_hosts)),
        f"{jump.user}@{jump.address}",
        *said,
    )


def session_command(door: Door, command: Sequence[str] = ()) -> tuple[str, ...]:
    """A shell on a machine through SSM, or a command there; its exit code is not handed on."""
    start = (AWS, "ssm", "start-session", "--region", door.region, "--target", door.instance)
    if not command:
        return start
    # As JSON: commas and quotes mean something in the short form.
    said = json.dumps({"command": [shlex.join(command)]})
    return (*start, "--document-name", "AWS-StartInteractiveCommand", "--parameters", said)


def _options(door: Door, keys: Keys, *more: str) -> list[str]:
    said = [
        f"IdentityFile={_quoted(keys.identity)}",
        "IdentitiesOnly=yes",
        *_remembered(keys.known_hosts),
        # An address comes back with another machine and another host key; an id does not.
        f"HostKeyAlias={door.instance}",
        f"ConnectTimeout={CONNECT_SECONDS}",
        f"ServerAliveInterval={ALIVE_SECONDS}",
        f"ServerAliveCountMax={ALIVE_COUNT}",
        f"ProxyCommand={_way(door, keys, more)}",
        *more,
    ]
    # The user's own configuration is for the bastion only: here it could only be in the way.
    return ["-F", "none", *_flags(said)]


def _flags(said: Sequence[str]) -> list[str]:
    return [part for each in said for part in ("-o", each)]


def _to_bastion(jump: Jump, known_hosts: Path) -> list[str]:
    return [
        *_remembered(known_hosts),
        f"HostKeyAlias={jump.instance}",
        f"ConnectTimeout={CONNECT_SECONDS}",
    ]


def _remembered(known_hosts: Path) -> list[str]:
    return [
        f"UserKnownHostsFile={_quoted(known_hosts)}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=accept-new",
    ]


def _way(door: Door, keys: Keys, more: Sequence[str]) -> str:
    """What ssh runs to have a connection; it replaces %h and %p."""
    if door.jump is None:
        return (
            f"{AWS} ssm start-session --region {shlex.quote(door.region)} --target %h"
            " --document-name AWS-StartSSHSession --parameters portNumber=%p"
        )
    options = _flags([*_to_bastion(door.jump, keys.known_hosts), *more])
    place = f"{door.jump.user}@{door.jump.address}"
    # Percent signs are this ssh's once more before they are that one's.
    own = shlex.join([SSH, *options]).replace("%", "%%")
    return f"{own} -W %h:%p {shlex.quote(place)}"


def _place(door: Door) -> str:
    return f"{door.user}@{door.address if door.jump else door.instance}"


def _quoted(path: Path) -> str:
    """A path as ssh's options take it: percent signs are theirs, blanks part names."""
    return '"' + str(path).replace("%", "%%").replace('"', '\\"') + '"'
