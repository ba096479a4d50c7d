"""The command lines that lead into a cluster, read as ssh itself reads them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from toolkit.clients.tunnel_command import (
    Door,
    Jump,
    Keys,
    bastion_command,
    session_command,
    ssh_command,
    tunnel_command,
)

FOLDER = Path('/home/u/a "b" 50% c')
KEYS = Keys(FOLDER / "key", FOLDER / "known_hosts")
SSM = Door("i-0a", "10.40.0.11", "ec2-user", "eu-west-1")
JUMP = Jump("i-0b", "ec2-user", "198.51.100.7")
THROUGH = SSM._replace(jump=JUMP)


def read(command: tuple[str, ...]) -> dict[str, str]:
    """What ssh makes of it: names in small letters."""
    said = subprocess.run(
        [command[0], "-G", *command[1:]], capture_output=True, text=True, check=True, timeout=20
    )
    return dict(line.partition(" ")[::2] for line in said.stdout.splitlines())


def test_a_tunnel_through_ssm_as_ssh_reads_it() -> None:
    said = read(tunnel_command(SSM, KEYS, 4321))
    assert (said["user"], said["hostname"], said["hostkeyalias"]) == ("ec2-user", "i-0a", "i-0a")
    assert said["dynamicforward"] == "[127.0.0.1]:4321"
    assert said["exitonforwardfailure"] == said["batchmode"] == said["identitiesonly"] == "yes"
    assert said["stricthostkeychecking"] == "accept-new"
    assert said["globalknownhostsfile"] == "/dev/null"
    assert said["proxycommand"] == (
        "aws ssm start-session --region eu-west-1 --target %h --document-name"
        " AWS-StartSSHSession --parameters portNumber=%p"
    )
    assert (said["serveraliveinterval"], said["serveralivecountmax"]) == ("15", "3")


def test_through_the_bastion_the_machine_goes_by_its_address_and_is_known_by_its_id() -> None:
    said = read(tunnel_command(THROUGH, KEYS, 4321))
    assert (said["hostname"], said["hostkeyalias"]) == ("10.40.0.11", "i-0a")
    way = said["proxycommand"]
    assert way.endswith(" -W %h:%p ec2-user@198.51.100.7")
    # The user's own key or agent is for the bastion: nothing says which.
    assert "IdentityFile" not in way
    assert "HostKeyAlias=i-0b" in way
    assert "BatchMode=yes" in way


def test_a_shell_may_ask_and_a_tunnel_may_not() -> None:
    assert "-t" in ssh_command(THROUGH, KEYS)
    assert not any("BatchMode" in each for each in ssh_command(THROUGH, KEYS))


def test_a_command_reaches_the_other_shell_as_it_was_typed() -> None:
    words = ("echo", "two words", "$HOME", "it's")
    assert ssh_command(THROUGH, KEYS, words)[-1] == "echo 'two words' '$HOME' 'it'\"'\"'s'"
    assert ssh_command(THROUGH, KEYS, words)[-2] == "--"
    said = session_command(SSM, words)
    assert said[-4:-1] == ("--document-name", "AWS-StartInteractiveCommand", "--parameters")
    assert json.loads(said[-1]) == {"command": ["echo 'two words' '$HOME' 'it'\"'\"'s'"]}


def test_a_session_is_a_shell_by_itself() -> None:
    assert session_command(SSM) == (
        "aws", "ssm", "start-session", "--region", "eu-west-1", "--target", "i-0a",
    )  # fmt: skip


def test_the_bastion_itself_is_reached_with_the_users_own_key() -> None:
    said = bastion_command(JUMP, KEYS.known_hosts, ("uptime",))
    assert said[-3:] == ("ec2-user@198.51.100.7", "--", "uptime")
    assert not any("Identit" in each or "Proxy" in each for each in said)


@pytest.mark.parametrize("door", [SSM, THROUGH])
def test_files_are_found_whatever_their_folder_is_called(door: Door, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER.name
    keys = Keys(folder / "key", folder / "known_hosts")
    said = read(tunnel_command(door, keys, 1))
    # -G prints them before it replaces percent signs.
    assert said["identityfile"].replace("%%", "%") == str(keys.identity)
    assert said["userknownhostsfile"].replace("%%", "%").strip('"') == str(keys.known_hosts)
