"""Nomad by way of the socket that every task has: the server asks it, and so do its children."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from anyio.from_thread import BlockingPortal

from tests.faults.scripted import Scripted
from tests.services.hook.hook_process import HookProcess, git, nomad_state

JOB = 'job "web" {\n  group "web" {\n    task "web" {\n      driver = "raw_exec"\n    }\n  }\n}\n'


@contextlib.contextmanager
def task_socket(portal: BlockingPortal, host: str, port: int) -> Iterator[str]:
    """A socket as Nomad makes it for a task without a user of its own: anybody may use it."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async def listen(path: str) -> asyncio.AbstractServer:
        return await asyncio.start_unix_server(meet, path)

    # Not below pytest's own folder: that is its owner's alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        path = f"{folder}/api.sock"
        server = portal.call(listen, path)
        Path(path).chmod(0o666)
        try:
            yield path
        finally:
            portal.call(_close, server)


async def _close(server: asyncio.AbstractServer) -> None:
    server.close()
    await server.wait_closed()


def test_a_push_is_planned_through_the_tasks_socket(portal: BlockingPortal, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "jobs" / "web").mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=work)
    (work / "toolkit.toml").write_text('[environments.dev]\n[stack]\njobs = ["web"]\n')
    (work / "jobs" / "web" / "job.toml").write_text(
        'name = "web"\nkind = "service"\n[release]\nversion = "1"\n[driver.raw_exec]\n'
    )
    (work / "jobs" / "web" / "job.nomad.hcl.j2").write_text(JOB)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "one", cwd=work)
    with Scripted(nomad_state().answer) as nomad:
        host, _, port = nomad.address.removeprefix("http://").partition(":")
        with task_socket(portal, host, int(port)) as path:
            server = HookProcess(tmp_path, nomad.address, NOMAD_ADDR=f"unix:{path}")
            try:
                server.hear("ready")
                server.make()
                nomad.asked.clear()
                pushed = git("push", server.remote(), "main", cwd=work, check=False)
            finally:
                server.close()
    # This Nomad tells callers apart and parses no jobs: that it was asked to is what counts.
    assert f"Nomad at unix:{path} does not answer as Nomad does" in pushed.stderr
    assert any(asked.path.startswith("/v1/jobs") for asked in nomad.asked), pushed.stderr
