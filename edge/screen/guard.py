"""What every request to the shopper's screen passes: who it says it speaks to, where it comes from, what goes back.

The screen listens on loopback only, but any page in any browser of this machine could call it: a foreign Host (a name
that was bound to loopback), a foreign Origin, or none at all on a request that acts, is refused before anything is
read. Read `edge/screen/server.py` next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from edge.screen.connections import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing but our own files; text is never parsed as markup (trusted types), nobody may frame the page.
DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS = [
    (b"content-security-policy", "; ".join(DIRECTIVES).encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()"),
]
MAX_TARGET_BYTES = 256  # the longest of our own paths has 24; nothing here takes a query
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Refuses foreign requests and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with a named error."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        refusal = refused(scope)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
            return
        status, code = refusal
        await JSONResponse({"error": code}, status)(scope, receive, send_guarded)


def refused(scope: Scope) -> tuple[int, str] | None:
    """Why a request is refused (status and code), or None."""
    headers = scope["headers"]
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    port = scope["server"][1]
    known = [f"{name}:{port}" for name in LOOPBACK_NAMES] + (list(LOOPBACK_NAMES) if port == 80 else [])
    if len(hosts) != 1 or hosts[0].lower() not in known:
        return 421, "host-foreign"
    # The parser bounds a head only while it is incomplete; one that came in a single read is measured here.
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEAD_BYTES:
        return 431, "head-too-large"
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return 414, "target-too-long"
    if scope["method"] not in ("GET", "POST"):
        return 405, "method-unknown"
    is_reading = scope["method"] == "GET"
    if not is_reading and not origins:
        return 403, "origin-missing"
    if origins and origins != [f"http://{hosts[0].lower()}"]:
        return 403, "origin-foreign"
    # A browser says "none" when a person typed the address or the kiosk opened it.
    if sites not in ([], [b"same-origin"]) and not (is_reading and sites == [b"none"]):
        return 403, "origin-foreign"
    return None
