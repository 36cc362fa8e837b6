"""The file service: boxes fetch published versions by hash, `GET /versions/HASH` over TLS with their own certificate.

A version is immutable and known by its hash, so an answer needs no headers but its length and range. A box gets what
was published to its tenant and nothing else; whoever shows no certificate of ours gets no answer at all. One request a
connection: a box comes once in days.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cloud.catalogue import store
from cloud.catalogue.publishing import Versions
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.database import Database

CONNECTIONS_MAX = (
    256  # at once, 64 KiB each; further boxes are asked to come again, which they do with a delay
)
HEAD_BYTES_MAX = 4_096  # of a request; ours have 200
PORT_TAKEN_S = 5.0  # before the next try to listen: whoever holds it may be our own predecessor
REQUEST_S = 15.0  # for TLS and request: a slow mobile line takes five
TRANSFER_S = (
    1_800.0  # for one answer: 17 MB over the slowest line that still sells; a fetch goes on where it ended
)
CHUNK_BYTES = 65_536  # read and sent at once; the loop serves others between two
WAITING_BYTES = 262_144  # written and not taken by a slow box
DIGEST_CHARS = 64
NUMBER_DIGITS = 5  # of a box number
OFFSET_DIGITS = 12  # of a range: far above the largest version
_HEX = frozenset("0123456789abcdef")

_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What a box wants: a version, from an offset on."""

    digest: str
    offset: int


class Refused(Exception):  # noqa: N818 - it is an answer: its status goes to the box
    """A request that is answered with a status and nothing else."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class FileService:
    """See the module."""

    def __init__(self, *, database: Database, shelf: Path, tls: ssl.SSLContext) -> None:
        self._database, self._tls = database, tls
        self._versions = Versions(shelf)
        self._open = 0

    async def run(self, host: str, port: int) -> None:
        """Serve until cancelled. A port that is taken is tried again: boxes sell on without it."""
        while True:
            try:
                server = await self.listen(host, port)
            except OSError as error:
                _log.error("the file service cannot listen on %s:%d: %s", host, port, error.strerror)
                await asyncio.sleep(PORT_TAKEN_S)
                continue
            async with server:
                await server.serve_forever()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Begin to listen; OSError when the port is taken."""
        return await asyncio.start_server(
            self._connected, host, port, ssl=self._tls, limit=HEAD_BYTES_MAX, ssl_handshake_timeout=REQUEST_S
        )

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        writer.transport.set_write_buffer_limits(high=WAITING_BYTES)
        try:
            async with asyncio.timeout(TRANSFER_S):
                await self._answer(reader, writer)
        except Refused as refused:
            with suppress(OSError):
                writer.write(
                    f"HTTP/1.1 {refused.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
                )
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as broken:
            _log.info("a fetch ended early: %s", type(broken).__name__)
        except self._database.outages as error:
            _log.warning("versions cannot be looked up: %s", type(error).__name__)
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open > CONNECTIONS_MAX:
            raise Refused("503 Busy")
        tenant = await self._tenant(common_name(writer.get_extra_info("peercert")))
        async with asyncio.timeout(REQUEST_S):
            asked = read_request(await reader.readuntil(b"\r\n\r\n"))
        part = await store.may_fetch(self._database, tenant, asked.digest)
        path = self._versions.path(part, asked.digest) if part else None
        if path is None or not path.exists():
            raise Refused("404 Not Found")
        size = path.stat().st_size
        if asked.offset >= size:
            raise Refused("416 Range Not Satisfiable")
        head = f"Content-Length: {size - asked.offset}\r\nContent-Range: bytes {asked.offset}-{size - 1}/{size}\r\n"
        writer.write(f"HTTP/1.1 206 Partial Content\r\n{head}Connection: close\r\n\r\n".encode())
        with path.open("rb") as file:
            file.seek(asked.offset)
            while chunk := file.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()

    async def _tenant(self, name: str) -> str:
        """The tenant of a box by its certificate's name; it must serve under this name still."""
        tenant, _, rest = name.partition("_")
        number = rest.partition("_")[0]
        is_box = number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS
        found = await store.serving(self._database, tenant, int(number), name) if is_box else None
        if found is None:
            raise Refused("403 Forbidden")
        return found


def common_name(certificate: object) -> str:
    """The common name of a client's verified certificate, "" where there is none."""
    subject = certificate.get("subject", ()) if isinstance(certificate, dict) else ()
    names = [value for part in subject for name, value in part if name == "commonName"]
    return str(names[0]) if len(names) == 1 else ""


def read_request(head: bytes) -> Asked:
    """Read `GET /versions/HASH` with its range; `Refused` for anything else."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[0] != "GET" or words[2] != "HTTP/1.1":
        raise Refused("400 Bad Request")
    digest = words[1].removeprefix("/versions/")
    if len(digest) != DIGEST_CHARS or not _HEX.issuperset(digest) or digest == words[1]:
        raise Refused("404 Not Found")
    offset = 0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "range":
            text = value.strip().removeprefix("bytes=").removesuffix("-")
            if not text.isascii() or not text.isdecimal() or len(text) > OFFSET_DIGITS:
                raise Refused("416 Range Not Satisfiable")
            offset = int(text)
    return Asked(digest, offset)


def server_tls(root: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 that lets in only who descends from our root; ConfigError "certificate-unusable"."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(root))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(str(certificate), str(key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "certificate-unusable",
            f"{certificate.name} or its key cannot be used",
            "Restore the data directory",
        ) from error
    return context
