"""Tasks that fail on what is outside of Nomad, and what may not be shown of them."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop

pytestmark = pytest.mark.agents

SECRETS = {
    "password": "correct horse battery staple",
    "address": "db://u:p%4x/&+?=@host/ä",
    "key": "-----BEGIN KEY-----\nbGV0IG1lIGlu\nb3BlbiBzZXNhbWU\n-----END KEY-----\n",
}
PARTS = (
    SECRETS["password"],
    SECRETS["address"],
    quote(SECRETS["address"]),
    quote(SECRETS["address"], safe=""),
    "bGV0IG1lIGlu",
    "b3BlbiBzZXNhbWU",
)
# A plain job file that says nothing of secrets: what they are is read from Nomad.
LEAKY = """
variable "build" {
  default = "0"
}
job "NAME" {
  meta {
    release = "1.0.0"
    build   = var.build
  }
  group "web" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "app" {
      driver = "raw_exec"
      template {
        destination = "${NOMAD_SECRETS_DIR}/app.env"
        env         = true
        data        = <<EOT
{{ with nomadVar "nomad/jobs/NAME" }}
PASSWORD={{ .password.Value | toJSON }}
ADDRESS={{ .address.Value | toJSON }}
KEY={{ .key.Value | toJSON }}
{{ end }}
EOT
      }
      config {
        command = "PYTHON"
        args    = ["-S", "-E", "-c", <<EOT
import os, sys
from urllib.parse import quote
e = os.environ
sys.stderr.write("FATAL " + " ".join([
    e["PASSWORD"], e["ADDRESS"], quote(e["ADDRESS"]), quote(e["ADDRESS"], safe=""),
    repr(e["KEY"]), "end",
]) + "\\n" + e["KEY"])
sys.exit(3)
EOT
        ]
      }
      resources {
        cpu    = 20
        memory = 32
      }
    }
  }
}
"""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "tasks")
    yield shop
    shop.close()


def test_a_port_that_is_taken_by_a_process_outside_of_nomad(shop: Shop) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        static = {"[ports.http]": f"[ports.http]\nstatic = {port}"}
        name = shop.write(change={**static, "restart_delay": "canaries = 0\nrestart_delay"})
        said = shop.deploy(name)
    assert said.code == 3, said.out + said.err
    cause = said.report["causes"][0]
    assert cause["kind"] == "port"
    assert any(
        line.startswith("stderr: ") and "Address already in use" in line
        for line in cause["evidence"]
    )
    assert said.report["next"] == f"toolkit explain {cause['allocation'][:8]}"


@pytest.fixture(scope="module")
def leaky(shop: Shop) -> str:
    """A job whose process prints all its secrets and exits."""
    name = shop.name("leaky")
    hcl = LEAKY.replace("NAME", name).replace("PYTHON", sys.executable)
    shop.plain(name, hcl)
    path = f"nomad/jobs/{name}"
    shop.nomad(f"/v1/var/{path}", {"Path": path, "Items": SECRETS})
    return name


def assert_hidden(said: Said) -> None:
    """The crash is shown with its output, and no secret in it, in no spelling."""
    assert said.code == 3, said.err
    everything = said.out + said.err
    assert "FATAL ***" in everything
    assert " end" in everything
    assert [part for part in PARTS if part in everything] == []


@pytest.mark.parametrize("flags", [[], ["--debug"], ["--json"], ["--json", "--debug"]])
@pytest.mark.parametrize("command", ["deploy", "attach"])
def test_secrets_that_a_crash_prints_are_not_shown(
    shop: Shop, leaky: str, command: str, flags: list[str]
) -> None:
    if command == "deploy":
        # A version of its own each time, so that each is watched.
        flags = [*flags, "--var", f"build={len(shop.deployments(leaky))}"]
    assert_hidden(shop.toolkit(command, leaky, *flags))
