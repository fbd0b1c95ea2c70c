"""Who may read the page: only the person who started it.

Loopback is no wall. Other users of the machine can connect to it, and a web site can have a name of its own
resolved to 127.0.0.1 and then read the answers as its own (DNS rebinding). So every path begins with a token
made for this run, and the Host header must name this machine. The token is in the path and not in a cookie,
because cookies are shared by all ports of a host. No page may frame this one, and it may load nothing from
elsewhere.
"""

import hmac
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""On every answer, refusals included. Nothing of the page stays in a browser's cache on disk."""

_HOSTS = frozenset({"127.0.0.1", "localhost"})


def new_token() -> str:
    """An unguessable path segment."""
    return secrets.token_urlsafe(24)


def guard(token: str) -> Middleware:
    """Let through what comes to this machine by name and with the token; refuse the rest."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Any port: the page may be reached through a forwarded one.
        if request.host.partition(":")[0] not in _HOSTS:
            raise web.HTTPMisdirectedRequest(text="this page answers only as 127.0.0.1 or localhost\n")
        given = request.path.split("/", 2)[1]
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise web.HTTPNotFound(text="open the address that `llmctl dashboard` printed\n")
        return await handler(request)

    return check


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: put `HEADERS` on an answer that is about to be sent."""
    response.headers.update(HEADERS)
