"""AWS's side of a machine: what it asks AWS and the system, and what it makes of the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.sandbox import Sandbox, sandbox
from toolkit.cluster.boot import AWS_PROGRAMS

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

TOKEN = "AQAEA-imds-session-token"
CURL = f"""
echo "curl $*" >>/opt/told
header=
[[ " $* " != *" -H @- "* ]] || read -r header
case ${{!#}} in
  */api/token) echo {TOKEN} ;;
  *) [ "$header" = "X-aws-ec2-metadata-token: {TOKEN}" ] || exit 22 ;;&
  */meta-data/instance-id) echo i-0abc ;;
  */placement/availability-zone) echo eu-west-1a ;;
  */local-ipv4) echo 10.40.0.11 ;;
  */instance-identity/document) printf '{{\\n "accountId" : "123456789012",\\n "x" : "1"\\n}}\\n' ;;
esac
"""


@pytest.fixture
def own(tmp_path: Path) -> Sandbox:
    """A machine with AWS's own programs, and an AWS, a systemd and a network that are made up."""
    own = sandbox(tmp_path / "m")
    for name in AWS_PROGRAMS:
        (own.opt / "toolkit" / "bin" / f"toolkit-{name}").unlink(missing_ok=True)
    own.program("curl", CURL)
    own.program("systemctl", 'echo "systemctl $*" >>/opt/told')
    own.program("sleep", "exit 0")
    # The script's part that places them, without a start.
    body = own.script.decode().replace('\nmain "$@"\n', "\nmkdir -p $home/bin; write_cluster; ")
    (own.opt / "toolkit" / "boot").write_text(body + "place_programs\n")
    assert own.shell("bash /opt/toolkit/boot") == 0, own.log
    return own


def call(own: Sandbox, *words: str) -> int:
    return own.shell("PATH=/opt/toolkit/bin:$PATH " + " ".join(words))


def aws(own: Sandbox, lines: str) -> None:
    own.program("aws", f'echo "aws $*" >>/opt/told\n{lines}')


def test_every_program_is_there(own: Sandbox) -> None:
    there = {path.name for path in (own.opt / "toolkit" / "bin").glob("toolkit-*")}
    assert there == {"toolkit-aws", *(f"toolkit-{name}" for name in AWS_PROGRAMS)}
    assert own.text("toolkit/cluster") == "cluster=prod\nregion=eu-west-1\n"


def test_programs_that_are_there_stay(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    before = own.text("toolkit/bin/toolkit-secret")
    assert own.run() == 0, own.log
    assert own.text("toolkit/bin/toolkit-secret") == before


def test_a_secret_is_read_decrypted_from_the_clusters_path(own: Sandbox) -> None:
    aws(own, "echo gossip-key")
    assert call(own, "toolkit-secret server/gossip/consul") == 0
    assert own.log == "gossip-key\n"
    asked = own.text("told")
    assert "ssm get-parameter --name /toolkit/prod/server/gossip/consul --with-decryption" in asked


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ("An error occurred (ParameterNotFound) when calling the GetParameter operation:", 3),
        ("An error occurred (AccessDeniedException) when calling the GetParameter operation", 1),
        ("An error occurred (ThrottlingException) when calling the GetParameter operation", 1),
        ("Could not connect to the endpoint URL", 1),
    ],
)
def test_only_a_parameter_that_is_not_there_is_absent(own: Sandbox, says: str, status: int) -> None:
    aws(own, f'echo "{says}" >&2\nexit 254')
    assert call(own, "toolkit-secret server/state/bootstrapped") == status
    assert (says in own.log) == (status == 1)


def test_who_the_machine_is_comes_from_its_own_data_with_a_token_nobody_sees(own: Sandbox) -> None:
    aws(own, "exit 1")
    assert call(own, "toolkit-machine") == 0
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert own.log == f"i-0abc eu-west-1a 10.40.0.11 {registry}\n"
    assert TOKEN not in own.text("told")


def test_metadata_that_does_not_answer_is_a_failure(own: Sandbox) -> None:
    own.program("curl", "exit 28")
    assert call(own, "toolkit-machine") == 28 and own.log == ""


@pytest.mark.parametrize("how", ["success", "failure"])
def test_the_stack_hears_of_this_instance(own: Sandbox, how: str) -> None:
    aws(own, "exit 0")
    assert call(own, f"toolkit-signal {how} PoolWorker 'why it failed'") == 0
    assert (
        "aws cloudformation signal-resource --stack-name prod --logical-resource-id PoolWorker"
        f" --unique-id i-0abc --status {how.upper()}" in own.text("told")
    )


# The slot's volume.

VOLUMES = """
case "$*" in
  *Volumes[].VolumeId*) echo vol-0123 ;;
  *attach-volume*) echo attached >>/opt/attached ;;
  *describe-volumes*) sed -n "$(wc -l </opt/asked-volume)p" /opt/states; echo >>/opt/asked-volume ;;
esac
"""
DEVICE = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123"


# The host's /dev stays as it is: this machine has one of its own.
OWN_DEVICES = f"""
mkdir /opt/devices
mount -t tmpfs none /opt/devices
for each in null zero; do
  touch /opt/devices/$each
  mount --bind /dev/$each /opt/devices/$each
done
ln -s /proc/self/fd /opt/devices/fd
mkdir -p /opt/devices/disk/by-id
touch /opt/devices{DEVICE.removeprefix("/dev")}
mount --move /opt/devices /dev
"""


def volume(own: Sandbox, *states: str) -> int:
    (own.opt / "states").write_text("".join(f"{state}\n" for state in states))
    (own.opt / "asked-volume").write_text("\n")
    aws(own, VOLUMES)
    return own.shell(f"{OWN_DEVICES}\nPATH=/opt/toolkit/bin:$PATH toolkit-disk data server-1")


def test_a_free_volume_is_attached_and_waited_for(own: Sandbox) -> None:
    status = volume(own, "available\tNone", "in-use\tNone", "in-use\ti-0abc")
    assert (status, own.log) == (0, f"{DEVICE}\n")
    asked = own.text("told")
    assert "Name=tag:toolkit:cluster,Values=prod Name=tag:toolkit:slot,Values=server-1" in asked
    assert "ec2 attach-volume --volume-id vol-0123 --instance-id i-0abc" in asked


def test_a_volume_that_is_still_anothers_is_waited_for(own: Sandbox) -> None:
    status = volume(own, "in-use\ti-0old", "in-use\ti-0old", "available\tNone", "in-use\ti-0abc")
    assert (status, own.log) == (0, f"{DEVICE}\n")
    assert own.text("attached") == "attached\n"


def test_a_volume_that_is_attached_already_is_not_attached_again(own: Sandbox) -> None:
    assert volume(own, "in-use\ti-0abc") == 0
    assert own.text("attached") == ""


@pytest.mark.parametrize("found", ["", "'vol-0123\tvol-0456'"])
def test_no_volume_or_two_are_refused(own: Sandbox, found: str) -> None:
    aws(own, f"echo {found}")
    assert call(own, "toolkit-disk data server-1") == 1
    assert "not one volume for server-1" in own.log
    assert "attach-volume" not in own.text("told")


def test_a_machine_without_disks_of_its_own_has_none(own: Sandbox) -> None:
    assert call(own, "toolkit-disk ephemeral") == 0
    assert own.log == ""


# What the system brings.


def test_packages_are_installed_by_the_names_of_the_system_and_only_when_missing(
    own: Sandbox,
) -> None:
    own.program("dnf", 'echo "dnf $*" >>/opt/told')
    assert call(own, "toolkit-package unzip no-such-program docker-credential-ecr-login") == 0
    installed = [line for line in own.text("told").splitlines() if line.startswith("dnf")]
    assert installed == ["dnf -qy install no-such-program amazon-ecr-credential-helper"]
    assert call(own, "toolkit-package unzip openssl") == 0
    assert own.text("told").count("dnf") == 1


def test_a_package_that_cannot_be_had_is_a_failure(own: Sandbox) -> None:
    own.program("dnf", "exit 1")
    assert call(own, "toolkit-package no-such-program") == 1


def unit(own: Sandbox, name: str) -> list[str]:
    return own.etc(f"/etc/systemd/system/{name}").read_text().splitlines()


def told(own: Sandbox) -> list[str]:
    lines = own.text("told").splitlines()
    return [line.removeprefix("systemctl ") for line in lines if line.startswith("systemctl")]


def test_an_agent_is_a_unit_that_only_the_boot_script_starts(own: Sandbox) -> None:
    start = "toolkit-service start consul confined /opt/toolkit/bin/consul agent -x=/etc/consul.d"
    assert call(own, start) == 0, own.log
    assert call(own, start) == 0, own.log
    # Not enabled: at the next start rules and files come first.
    assert told(own) == ["daemon-reload", "start consul", "start consul"]
    text = unit(own, "consul.service")
    assert "ExecStart=/opt/toolkit/bin/consul agent -x=/etc/consul.d" in text
    assert "ExecReload=/bin/kill -HUP $MAINPID" in text
    assert "ProtectSystem=strict" in text and "CapabilityBoundingSet=" in text


def test_nomad_on_workers_is_not_confined_and_leaves_its_tasks_alone(own: Sandbox) -> None:
    assert call(own, "toolkit-service start nomad open /opt/toolkit/bin/nomad agent") == 0
    text = unit(own, "nomad.service")
    assert "KillMode=process" in text and "ProtectSystem=strict" not in text


def test_the_boot_script_runs_at_each_start_of_the_machine(own: Sandbox) -> None:
    line = "toolkit-service boot /bin/bash /opt/toolkit/boot worker worker batch 1 PoolWorker"
    assert call(own, line) == 0, own.log
    text = unit(own, "toolkit-boot.service")
    assert "ExecStart=/bin/bash /opt/toolkit/boot worker worker batch 1 PoolWorker" in text
    assert "WantedBy=multi-user.target" in text
    assert told(own) == ["daemon-reload", "enable -q toolkit-boot"]


def test_what_the_system_brings_is_started_by_the_boot_script_alone(own: Sandbox) -> None:
    own.program("systemctl", 'echo "systemctl $*" >>/opt/told\n[ "$1" != disable ]')
    assert call(own, "toolkit-service system docker") == 0, own.log
    assert told(own) == ["disable -q docker docker.socket", "start docker"]


def test_a_timer_runs_again_and_again(own: Sandbox) -> None:
    line = "toolkit-service every 60 toolkit-watch /bin/bash /opt/toolkit/boot watch"
    assert call(own, line) == 0, own.log
    assert "ExecStart=/bin/bash /opt/toolkit/boot watch" in unit(own, "toolkit-watch.service")
    assert "OnUnitActiveSec=60" in unit(own, "toolkit-watch.timer")
    assert told(own)[-1] == "enable -q --now toolkit-watch.timer"


def test_a_metric_is_the_clusters(own: Sandbox) -> None:
    aws(own, "exit 0")
    assert call(own, "toolkit-metric HasLeader 1") == 0
    wanted = "aws cloudwatch put-metric-data --namespace toolkit/prod --metric-name HasLeader"
    assert f"{wanted} --value 1" in own.text("told")


def test_the_region_is_the_clusters_whatever_the_machine_thinks(own: Sandbox) -> None:
    aws(own, "echo $AWS_DEFAULT_REGION")
    assert call(own, "AWS_DEFAULT_REGION=us-east-1 toolkit-secret server/gossip/consul") == 0
    assert own.log == f"{machines.cluster().region}\n"
