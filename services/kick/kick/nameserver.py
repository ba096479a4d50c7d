"""A small DNS server on loopback that answers from zones in files, over UDP and TCP.

There are two views, each on a port of its own: on one machine the address of an asker tells
nothing. The public view knows the public zones. The private view is what an instance inside a VPC
sees: whatever a private zone covers, that zone answers alone, and public zones answer for the rest.
Outside its zones the server refuses; it asks nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from functools import partial
from threading import Event, Thread
from typing import cast

from kick.nameserver_answer import failure, respond
from kick.nameserver_lookup import View
from toolkit.clients.dns.snapshot import Snapshot
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import ServerError
from toolkit.spec.dns import Zone
from toolkit.spec.target import Visibility

Address = tuple[str, int]

LOG = logging.getLogger("kick.nameserver")
MOST_CONNECTIONS = 64
"""TCP connections at a time, of each view; more are closed at once."""
IDLE_SECONDS = 5.0
"""In which a question must come over TCP, whole."""
CONNECTION_SECONDS = 60.0
"""After which a TCP connection is closed, however busy it is."""
LONGEST_QUESTION = 4096
TRIES = 20
"""Free ports that are tried until one is free for UDP as well."""


class NameServer:
    """Serves zones from `start` to `close`, in a thread of its own."""

    def __init__(
        self,
        files: ZoneFiles,
        zones: Sequence[Zone],
        *,
        public: Address | None = ("127.0.0.1", 0),
        private: Address | None = None,
        idle_seconds: float = IDLE_SECONDS,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        """`public`, `private`: where each view is served; port 0 takes a free one, None none."""
        self._files, self._zones = files, tuple(zones)
        self._wanted: dict[Visibility, Address | None] = {"public": public, "private": private}
        self._idle, self._most = idle_seconds, most_connections
        self._snapshots: dict[Zone, Snapshot] = {}
        self._views: dict[Visibility, View] = {}
        self._addresses: dict[Visibility, Address] = {}
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Listen; ServerError says why an address cannot be had, or which zone is damaged."""
        for zone in self._zones:
            self._take(self._files.snapshot(zone))
        self._build()
        self._files.subscribe(self._told)
        sockets: list[tuple[Visibility, socket.socket, socket.socket]] = []
        try:
            for view, wanted in self._wanted.items():
                if wanted is not None:
                    udp, tcp = _bind(wanted)
                    sockets.append((view, udp, tcp))
                    self._addresses[view] = udp.getsockname()[:2]
        except ServerError:
            for _, udp, tcp in sockets:
                udp.close()
                tcp.close()
            raise
        ready = Event()
        self._thread = Thread(
            target=lambda: asyncio.run(self._serve(sockets, ready)),
            name="kick-nameserver",
            daemon=True,
        )
        self._thread.start()
        ready.wait()

    def address(self, view: Visibility) -> Address | None:
        """Where a view is served, for UDP and TCP alike; None when it is not."""
        return self._addresses.get(view)

    def close(self) -> None:
        """Stop listening and end the thread; a second time does nothing."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None
        self._addresses.clear()

    def answer(self, view: Visibility, packet: bytes, *, udp: bool) -> bytes | None:
        """The answer to one packet; never raises, whatever is in it."""
        try:
            return respond(self._views[view], bytes(packet), udp=udp)
        except Exception:
            LOG.exception("a question could not be answered")
            return failure(packet)

    def _told(self, snapshot: Snapshot) -> None:
        if snapshot.zone in self._snapshots:
            self._take(snapshot)
            self._build()

    def _take(self, snapshot: Snapshot) -> None:
        # Replaced, never changed: the thread that answers reads it without a lock.
        self._snapshots = {**self._snapshots, snapshot.zone: snapshot}

    def _build(self) -> None:
        by_name = {
            visibility: {
                zone.name: snapshot
                for zone, snapshot in self._snapshots.items()
                if zone.visibility == visibility
            }
            for visibility in ("public", "private")
        }
        self._views = {
            "public": View(by_name["public"], {}),
            "private": View(by_name["private"], by_name["public"]),
        }

    async def _serve(
        self, sockets: Sequence[tuple[Visibility, socket.socket, socket.socket]], ready: Event
    ) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        connections = {
            view: Connections(self, view, self._idle, self._most) for view, _, _ in sockets
        }
        transports: list[asyncio.DatagramTransport] = []
        servers: list[asyncio.Server] = []
        try:
            for view, udp, tcp in sockets:
                transport, _ = await self._loop.create_datagram_endpoint(
                    partial(Datagrams, self, view), sock=udp
                )
                transports.append(transport)
                servers.append(await asyncio.start_server(connections[view].serve, sock=tcp))
        finally:
            ready.set()
        await self._stop.wait()
        for transport in transports:
            transport.close()
        for server in servers:
            server.close()
        for each in connections.values():
            each.end()
        # Those whose connection was just taken have yet to find out that it is over.
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest)


class Datagrams(asyncio.DatagramProtocol):
    """UDP of one view."""

    def __init__(self, server: NameServer, view: Visibility) -> None:
        self._server, self._view = server, view
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember what to answer over."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Answer a question."""
        answer = self._server.answer(self._view, data, udp=True)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """An asker that is not there any more is none of our business."""


class Connections:
    """TCP of one view: as many at a time as agreed, none for ever."""

    def __init__(self, server: NameServer, view: Visibility, idle: float, most: int) -> None:
        self._server, self._view, self._idle, self._most = server, view, idle, most
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the questions of one connection."""
        task = asyncio.current_task()
        if task is None or self._over or len(self._tasks) >= self._most:
            writer.transport.abort()
            return
        self._tasks.add(task)
        try:
            async with asyncio.timeout(CONNECTION_SECONDS):
                while await self._one(reader, writer):
                    pass
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            # Whoever does not read must not keep the connection until it does.
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
            writer.close()

    def end(self) -> None:
        """Close what is open, and what is about to be."""
        self._over = True
        for task in self._tasks:
            task.cancel()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One question; False when the connection is to be closed."""
        async with asyncio.timeout(self._idle):
            size = int.from_bytes(await reader.readexactly(2))
            if size > LONGEST_QUESTION:
                return False
            packet = await reader.readexactly(size)
        answer = self._server.answer(self._view, packet, udp=False)
        if answer is None:
            return False
        writer.write(len(answer).to_bytes(2) + answer)
        async with asyncio.timeout(self._idle):
            await writer.drain()
        return True


def _bind(wanted: Address) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket of one address; ServerError when it cannot be had."""
    host, port = wanted
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(TRIES):
        tcp = socket.socket(family, socket.SOCK_STREAM)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            # So that a server that was just stopped can be started again.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, port))
            udp.bind((host, tcp.getsockname()[1]))
            tcp.listen(MOST_CONNECTIONS)
        except OSError as exc:
            tcp.close()
            udp.close()
            if port or attempt + 1 == TRIES:
                raise ServerError(
                    f"the nameserver cannot listen on {host} port {port}: {exc.strerror}",
                    system="Zone files",
                    hint="is another one running there",
                ) from exc
            continue
        udp.setblocking(False)
        tcp.setblocking(False)
        return udp, tcp
    raise AssertionError("unreachable")
