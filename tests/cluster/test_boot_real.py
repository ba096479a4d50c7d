"""The boot script with the real agents: one server, its certificates renewed while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.cluster import pinned_machine
from tests.cluster import machines
from tests.cluster.sandbox import NOW, Sandbox, sandbox
from toolkit.agents.find import pinned_agents
from toolkit.cluster import pki
from toolkit.cluster.secrets.making import leaves

pytestmark = [pytest.mark.root, pytest.mark.agents, pytest.mark.timeout(120)]

SERVICE = """
case $1 in
  start)
    name=$2
    shift 3
    setsid setpriv --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@" \\
      >>"/opt/$name.log" 2>&1 </dev/null &
    echo $! >"/opt/$name.pid"
    ;;
  reload) kill -HUP "$(cat "/opt/$2.pid")" ;;
esac
"""
NETWORK = f"""
ip link add lan0 type veth peer name lan1
ip addr add {machines.SERVER.address}/16 dev lan0
ip link set lan0 up
ip link set lan1 up
ip route add default via 10.40.0.1
printf '127.0.0.1 localhost\\n{machines.SERVER.address} server-1.prod.internal\\n' >/etc/hosts
"""
ASK = f"""
served() {{
  echo | openssl s_client -connect 127.0.0.1:$1 2>/dev/null | openssl x509 -serial -noout
}}
code() {{ curl -s -o /dev/null -w '%{{http_code}}' --cacert /etc/nomad.d/tls/ca.pem "$1"; }}
echo "before $(served 8501) $(served 4646)"
echo "anybody $(code http://127.0.0.1:8500/v1/agent/self) $(code https://127.0.0.1:4646/v1/jobs)"
echo "plain $(code http://{machines.SERVER.address}:8500/v1/status/leader || true)"
cp /opt/renewed/* /opt/store/server/tls/
bash /opt/toolkit/boot refresh
for each in consul:8501 nomad:4646; do
  own=$(openssl x509 -serial -noout -in /etc/${{each%:*}}.d/tls/agent.pem)
  for _ in $(seq 300); do
    [ "$(served "${{each#*:}}")" = "$own" ] && break
    sleep 0.1
  done
done
echo "after $(served 8501) $(served 4646)"
"""


def alone(own: Sandbox) -> None:
    """Let the machine begin a cluster by itself, with the agents that are built for tests."""
    for name, binary in pinned_agents(pinned_machine(), say=lambda _text: None).items():
        place = (
            own.opt / "toolkit" / "lib" / own.cluster.binaries[name].downloads[machines.ARCH].sha256
        )
        place.mkdir(parents=True)
        (place / name).symlink_to(binary.path)
    expected = b'"bootstrap_expect":3'
    assert own.script.count(expected) == 2
    own.script = own.script.replace(expected, b'"bootstrap_expect":1')
    own.program("toolkit-service", SERVICE)


def test_real_agents_start_without_any_right_and_serve_renewed_certificates(
    tmp_path: Path,
) -> None:
    own = sandbox(tmp_path / "m")
    alone(own)
    authority = pki.Authority(own.secrets["ca/cert"].reveal(), own.secrets["ca/key"])
    (own.opt / "renewed").mkdir()
    serials = {}
    for agent in ("consul", "nomad"):
        name = f"server/tls/{agent}"
        new = pki.issue(authority, leaves(own.cluster)[name], NOW).reveal()
        (own.opt / "renewed" / agent).write_text(new)
        for text, when in ((own.secrets[name].reveal(), "before"), (new, "after")):
            serials[when, agent] = f"{pki.facts(text)[0].serial:040X}"
    (own.opt / "toolkit" / "boot").write_bytes(own.script)
    boot = "bash /opt/toolkit/boot || exit 9"
    assert own.shell(f"{NETWORK}\n{boot}\n{ASK}") == 0, own.log + own.text("consul.log")
    assert own.signals == [["success", "Server1", "server-1 is in"]]
    said = {words[0]: words[1:] for words in map(str.split, own.log.splitlines()) if words}
    for when in ("before", "after"):
        shown = [each.removeprefix("serial=").zfill(40) for each in said[when]]
        assert shown == [serials[when, "consul"], serials[when, "nomad"]]
    assert said["anybody"] == ["403", "403"]
    # From other machines there is TLS or nothing.
    assert said["plain"] == ["000"]
