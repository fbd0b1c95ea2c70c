"""Serves the agent's /metrics, from what is known already: nobody can make the engine work by asking."""

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.agent.telemetry.page import CONTENT_TYPE

_LOG = logging.getLogger("agent")
_CLIENT_SECONDS = 10


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


def serve(page: Callable[[], bytes], address: str, port: int) -> int | None:
    """Serve in the background; the port, or None when it is taken: the agent goes on without."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_SECONDS

        def do_GET(self) -> None:
            """The page, or 404."""
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = page()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Scrapes are not news."""

    try:
        server = _Server((address, port), Handler)
    except OSError as error:
        _LOG.warning("no /metrics", extra={"fields": {"address": f"{address}:{port}", "error": str(error)}})
        return None
    threading.Thread(target=server.serve_forever, name="metrics-page", daemon=True).start()
    return int(server.server_address[1])
