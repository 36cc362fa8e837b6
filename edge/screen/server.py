"""The shopper's screen: a page of our own files, a stream of views, and two doors for touches, on loopback only.

| request | what it gives |
|---|---|
| GET / and /static/NAME | the page; read once into memory, nothing else can be fetched |
| GET /events | the stream of views, see `stream.py` |
| GET /look/DIGEST | colours, keys, tiles and words of the store's screen, as the view names them |
| GET /logo/DIGEST | its logo, a PNG |
| POST /act | a touch of the shopper: 204, and what comes of it is in the next view |
| POST /attend | an act of staff: 200 {"name"} after the check of id and PIN; act "unlock" only checks |

Nothing is decided here. Who may ask is settled in `guard.py`, what may be posted in `touches.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge.badge import BUSY, LOCKED, OK
from edge.screen.connections import IDLE_S_MAX, MAX_HEAD_BYTES, BoundedHttp
from edge.screen.guard import Guard
from edge.screen.stream import Views
from edge.screen.touches import UNLOCK, read_body, read_shopper_touch, read_staff_touch
from protocol.errors import CallerError, ConfigError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from edge.badge import BadgeCheck
    from edge.ports import Post
    from protocol.screen import Screen

STATIC = Path(__file__).parent / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# A person touches a few times a second; a broken touch screen sends hundreds.
MAX_TOUCHES_PER_S = 20
# What waits in the kernel for a page that does not read: two of the longest views.
SEND_BUFFER_BYTES = 524_288


class ScreenServer:
    """The shopper's screen of one box; implements `edge.ports.Screen`."""

    def __init__(
        self,
        post: Post,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        badge: BadgeCheck | None = None,
        views: Views | None = None,
        look: Callable[[], Screen | None] = lambda: None,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ConfigError(
                "screen-not-loopback", f"{host} is no loopback address", "Use 127.0.0.1 or ::1."
            )
        self._post = post
        self._badge = badge
        self._look = look
        self._socket_address = (host, port)
        self._files = _read_files()
        self._views = views or Views(_digest(self._files))
        self._is_listening = asyncio.Event()
        self._touches_left = MAX_TOUCHES_PER_S
        self.address = ""

    def changed(self, look: Callable[[], dict[str, Any]]) -> None:
        """The view may be another now; `look` is asked only where a page reads it, and sent only when it differs."""
        self._views.changed(look)

    @property
    def page_count(self) -> int:
        """How many pages follow the screen now."""
        return self._views.page_count

    async def started(self) -> None:
        """Return once the screen answers; `address` is known from then on."""
        await self._is_listening.wait()

    async def run(self) -> None:
        """Serve until cancelled. ConfigError: "screen-port-taken", "screen-port-unusable" (not allowed, for one)."""
        with self._listen() as listener:
            server = _Server(
                uvicorn.Config(
                    self._app(),
                    http=BoundedHttp,
                    ws="none",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    proxy_headers=False,
                    h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                    timeout_keep_alive=IDLE_S_MAX,
                    timeout_graceful_shutdown=1,
                )
            )
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            refill = asyncio.create_task(self._refill_touches())
            self._is_listening.set()
            try:
                await asyncio.shield(serving)
            finally:
                refill.cancel()
                self._views.close()
                server.should_exit = True
                await serving

    def _listen(self) -> socket.socket:
        host, port = self._socket_address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            listener.bind((host, port))
            # Listening already here: a page that asks before the server runs waits instead of failing.
            listener.listen()
        except OSError as error:
            listener.close()
            raise _not_listening(port, error) from error
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{listener.getsockname()[1]}/"
        return listener

    def _app(self) -> Guard:
        routes = [
            Route("/", self._page, methods=["GET"]),
            Route("/static/{name}", self._file, methods=["GET"]),
            Route("/look/{digest}", self._looks, methods=["GET"]),
            Route("/logo/{digest}", self._logo, methods=["GET"]),
            Route("/events", self._views, methods=["GET"]),
            Route("/act", self._act, methods=["POST"]),
            Route("/attend", self._attend, methods=["POST"]),
        ]
        refusals = {404: _no_file, 405: _no_method}
        app = Starlette(routes=routes, exception_handlers=refusals)
        app.router.redirect_slashes = False
        return Guard(app)

    async def _page(self, request: Request) -> Response:
        del request
        return _file_response(self._files, "index.html")

    async def _file(self, request: Request) -> Response:
        return _file_response(self._files, request.path_params["name"])

    async def _looks(self, request: Request) -> Response:
        look = self._named_look(request)
        return _no_file() if look is None else JSONResponse(look.look)

    async def _logo(self, request: Request) -> Response:
        look = self._named_look(request)
        if look is None or not look.logo:
            return _no_file()
        return Response(look.logo, headers={"content-type": "image/png"})

    def _named_look(self, request: Request) -> Screen | None:
        """The look in force, when it is the one that is asked for."""
        look = self._look()
        return look if look is not None and look.digest == request.path_params["digest"] else None

    async def _act(self, request: Request) -> Response:
        try:
            event = read_shopper_touch(await read_body(request))
        except PeerError as malformed:
            return _refusal(400, malformed.code)
        if not self._take_touch():
            return _refusal(429, "touches-too-many")
        self._post(event)
        return Response(status_code=204)

    async def _attend(self, request: Request) -> Response:
        try:
            touch = read_staff_touch(await read_body(request))
        except PeerError as malformed:
            return _refusal(400, malformed.code)
        if self._badge is None:
            return _refusal(403, "staff-refused")
        checked = await self._badge.check(touch.by, touch.pin)
        if checked.outcome == BUSY:
            return _refusal(429, "staff-busy")
        if checked.outcome == LOCKED:
            return _refusal(429, "staff-locked", wait_s=-(-checked.wait_ms // 1000))
        if checked.outcome != OK:
            return _refusal(403, "staff-refused")
        if touch.event.act != UNLOCK:
            self._post(touch.event)
        return JSONResponse({"name": checked.name})

    def _take_touch(self) -> bool:
        if self._touches_left <= 0:
            return False
        self._touches_left -= 1
        return True

    async def _refill_touches(self) -> None:
        while True:
            self._touches_left = MAX_TOUCHES_PER_S
            await asyncio.sleep(1)


class _Server(uvicorn.Server):
    """uvicorn inside a loop that belongs to the agent: signals are its business, not the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _not_listening(port: int, error: OSError) -> ConfigError:
    mend = "Stop it, or start the box with another --screen-port."
    if error.errno == errno.EADDRINUSE:
        return ConfigError("screen-port-taken", f"Another program has port {port}", mend)
    what = f"The screen cannot have port {port} ({error.strerror})"
    return ConfigError("screen-port-unusable", what, "Start the box with another --screen-port.")


def _read_files() -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.suffix in KINDS}
    if "index.html" not in files:
        raise CallerError(
            "screen-files-missing", "The page's files were not installed", "Install tillbox again."
        )
    return files


def _digest(files: dict[str, bytes]) -> str:
    return hashlib.sha256(b"".join(name.encode() + content for name, content in files.items())).hexdigest()[
        :16
    ]


def _file_response(files: dict[str, bytes], name: str) -> Response:
    content = files.get(name)
    if content is None:
        return _no_file()
    return Response(content, headers={"content-type": KINDS[Path(name).suffix]})


def _no_file(*_: object) -> Response:
    return _refusal(404, "file-unknown")


def _no_method(*_: object) -> Response:
    return _refusal(405, "method-unknown")


def _refusal(status: int, code: str, **more: object) -> Response:
    return JSONResponse({"error": code, **more}, status)
