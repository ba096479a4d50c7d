"""The operator's relay: SOCKS5 on a socket of the host, connections from the VPC.

Run as a program of its own, without the rest of toolkit: `relay.py DESCRIPTOR NAMES`. The listening
socket was made in the host's network; whatever this process opens itself is in the operator's.
NAMES is a JSON file, name -> addresses, read again for every connection; an address of a name that
does not answer within a second gives way to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import sys
from pathlib import Path

SECONDS = 1.0
GONE = 4
"""Seconds of silence below an open connection after which the machine behind it is off: one whose
wire was cut sends no farewell, and by itself the kernel would wait for a quarter of an hour."""
_CHUNK = 65536
_REFUSED, _UNREACHABLE, _UNKNOWN_NAME, _UNSUPPORTED = 5, 4, 4, 7


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, names: Path) -> None:
    """One client: greeting, request, then bytes in both directions until both ends have ended."""
    with contextlib.suppress(OSError, EOFError, ValueError, IndexError):
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != 5 or 0 not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(b"\x05\x00")
        _, command, _, kind = await reader.readexactly(4)
        host = await _host(reader, kind)
        port = int.from_bytes(await reader.readexactly(2))
        if command != 1 or host is None:
            writer.write(_answer(_UNSUPPORTED))
            return
        there, code = await _dial(_addresses(host, names), port)
        if there is None:
            writer.write(_answer(code))
            return
        try:
            writer.write(_answer(0))
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        finally:
            there[1].close()


async def _host(reader: asyncio.StreamReader, kind: int) -> str | None:
    if kind == 1:
        return str(ipaddress.IPv4Address(await reader.readexactly(4)))
    if kind == 3:
        (length,) = await reader.readexactly(1)
        return (await reader.readexactly(length)).decode("ascii").rstrip(".").lower()
    return None


def _addresses(host: str, names: Path) -> list[str]:
    with contextlib.suppress(ValueError):
        return [str(ipaddress.IPv4Address(host))]
    known: dict[str, list[str]] = json.loads(names.read_text())
    return known.get(host, [])


async def _dial(
    addresses: list[str], port: int
) -> tuple[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, int]:
    code = _UNKNOWN_NAME
    for address in addresses:
        try:
            async with asyncio.timeout(SECONDS):
                there = await asyncio.open_connection(address, port, limit=_CHUNK)
            _notice_silence(there[1].get_extra_info("socket"))
            return there, 0
        except ConnectionRefusedError:
            code = _REFUSED
        except (OSError, TimeoutError):
            code = _UNREACHABLE
    return None, code


def _notice_silence(line: socket.socket) -> None:
    """Let the kernel ask the other machine each second, and give up what nobody confirms."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, 1),
        (socket.TCP_KEEPINTVL, 1),
        (socket.TCP_KEEPCNT, GONE),
        (socket.TCP_USER_TIMEOUT, GONE * 1000),
    ):
        line.setsockopt(socket.IPPROTO_TCP, option, value)


def _answer(code: int) -> bytes:
    return bytes([5, code, 0, 1]) + bytes(6)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # One direction that is broken ends the other: neither side may believe in a living peer.
        writer.transport.abort()


async def serve(listening: socket.socket, names: Path) -> None:
    """Relay until the process ends."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer, names)
        finally:
            writer.close()

    server = await asyncio.start_server(client, sock=listening, limit=_CHUNK)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
