"""What a rehearsed machine has in the place of AWS's programs, and its folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from toolkit.cluster.boot import boot_script
from toolkit.cluster.config import places as on_machine
from toolkit.cluster.config import rehearsal_files
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.plan import Program, hosts_file
from toolkit.cluster.rehearsal.state import writing
from toolkit.errors import AgentError
from toolkit.spec.cluster import Binary, Cluster, Machine

RESOLVER = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
"""Nobody answers there: what is not in the hosts file does not exist, and that is known at once."""
SIGNAL = "signal"
"""File below HOME that says how the start ended, a line each time."""

SERVICE = r"""
run=/run/toolkit
mkdir -p "$run"
case $1 in
  start)
    name=$2 kind=$3
    shift 3
    if [ -e "$run/$name.keeper" ] && kill -0 "$(cat "$run/$name.keeper")" 2>/dev/null; then
      exit 0
    fi
    if [ "$kind" = confined ]; then
      set -- setpriv --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
    fi
    # As systemd would: started again two seconds after its end, however it ended.
    setsid /bin/bash -c '
      run=$1 name=$2
      shift 2
      echo $$ >"$run/$name.keeper"
      while :; do
        "$@" >>"/opt/toolkit/$name.log" 2>&1 </dev/null &
        echo $! >"$run/$name.pid"
        wait $! || true
        sleep 2
      done' keeper "$run" "$name" "$@" >/dev/null 2>&1 </dev/null &
    until [ -s "$run/$name.pid" ]; do sleep 0.02; done
    ;;
  reload) kill -HUP "$(cat "$run/$2.pid")" ;;
esac"""


def machine_programs(machine: Machine) -> Mapping[str, str]:
    """Name -> shell lines."""
    return {
        "toolkit-machine": f"echo '{machine.name} {machine.zone} {machine.address} -'",
        "toolkit-secret": '[ -e "/opt/store/$1" ] || exit 3\ncat "/opt/store/$1"',
        "toolkit-signal": f'echo "$1 $3" >>{on_machine.HOME}/{SIGNAL}',
        "toolkit-disk": "",
        "toolkit-package": "",
        "toolkit-metric": "",
        "toolkit-service": SERVICE,
    }


def make_machine(places: Places, cluster: Cluster, machine: Machine) -> Path:
    """Write all that a machine begins with; its folder. OSError when there is no room."""
    folder = places.machine(machine.name)
    for name in ("etc", "work", "opt/toolkit/bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    own = folder / "opt" / "toolkit"
    (own / SIGNAL).unlink(missing_ok=True)
    (own / "boot").write_bytes(boot_script(cluster, machine.role))
    for name, text in machine_programs(machine).items():
        path = own / "bin" / name
        path.write_text(f"#!/bin/bash\nset -eu\n{text}\n")
        path.chmod(0o755)
    files = {
        "/etc/hosts": hosts_file(cluster, machine).encode(),
        "/etc/resolv.conf": RESOLVER.encode(),
        "/etc/hostname": f"{machine.name}\n".encode(),
        **rehearsal_files(machine),
    }
    for name, content in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if path.parent == folder / "etc":
            path.chmod(0o644)
    (folder / "etc").chmod(0o755)
    (folder / "opt").chmod(0o755)
    return folder


def place_programs(places: Places, programs: Mapping[Binary, Program]) -> None:
    """Put the agents where a boot script finds what it fetched and checked before."""
    for name, program in programs.items():
        to = places.programs / program.sha256 / name
        with writing(to):
            to.parent.mkdir(parents=True, exist_ok=True)
            if to.exists():
                continue
            try:
                os.link(Path(program.path).resolve(), to)
            except OSError:
                shutil.copy2(program.path, to)
        if not os.access(to, os.X_OK):
            raise AgentError(f"{program.path} cannot be executed", hint="name another one")
