"""GitHub and GitLab on loopback: the requests and answers of their REST documentation, over real HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

REPOSITORY = "octo-org/llm"
TOKEN = "ghs_sixteencharacters"
BOT = "github-actions[bot]"
_PAGE = 30
"""What the hosts give when nobody asks for more."""
_LISTS = {"runs": "workflow_runs", "artifacts": "artifacts"}
"""Lists that come in a document with `total_count`."""


@dataclass
class Asked:
    """A request that the host got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class CodeHost:
    """What is stored, by path; what is asked; what the next answers are, if they are to be failures."""

    documents: dict[str, Any] = field(default_factory=dict)
    """Lists and documents by path; writes go there too."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Paths that redirect to storage, and what is there."""
    failures: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    """Status, headers and body of the next answers to our API."""
    asked: list[Asked] = field(default_factory=list)
    storage: list[Asked] = field(default_factory=list)
    """What the other host was asked, where files are."""
    login: str = BOT
    may_ask_who: bool = False
    address: str = ""
    most: int = 100
    """The most items of a page."""
    next_id: int = 1000

    def wrote(self) -> list[tuple[str, str]]:
        """Method and path of what changed something."""
        return [(each.method, each.path) for each in self.asked if each.method != "GET"]


class _Handler(BaseHTTPRequestHandler):
    host: CodeHost
    storage_address: str

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet."""

    def _handle(self) -> None:
        asked = self._read()
        if urlsplit(self.path).path.startswith("/storage/"):
            self.host.storage.append(asked)
            self._answer(200, self.host.files[asked.path.removeprefix("/storage")], {})
            return
        self.host.asked.append(asked)
        if self.host.failures:
            status, headers, body = self.host.failures.pop(0)
            self._answer(status, body, headers)
            return
        if "authorization" not in asked.headers and "private-token" not in asked.headers:
            self._answer(401, {"message": "Requires authentication", "status": "401"}, {})
            return
        getattr(self, f"_{self.command.lower()}")(asked)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class's names

    def _read(self) -> Asked:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)

    def _get(self, asked: Asked) -> None:
        if asked.path in self.host.files:
            self._answer(302, b"", {"Location": f"{self.storage_address}/storage{asked.path}"})
        elif asked.path == "/user":
            self._user()
        elif asked.path not in self.host.documents:
            self._answer(404, {"message": "Not Found", "status": "404"}, {})
        else:
            found = self.host.documents[asked.path]
            self._list(found, asked) if isinstance(found, list) else self._answer(200, found, {})

    def _user(self) -> None:
        if self.host.may_ask_who:
            self._answer(200, {"login": self.host.login, "username": self.host.login, "id": 7}, {})
        else:
            self._answer(403, {"message": "Resource not accessible by integration", "status": "403"}, {})

    def _list(self, found: list[Any], asked: Asked) -> None:
        found = [each for each in found if _matches(each, asked.query)]
        size = min(int(asked.query.get("per_page", _PAGE)), self.host.most)
        page = int(asked.query.get("page", 1))
        items, headers = found[(page - 1) * size : page * size], {}
        if page * size < len(found):
            query = urlencode({**asked.query, "page": page + 1})
            headers["Link"] = f'<{self.host.address}{asked.path}?{query}>; rel="next", <x>; rel="last"'
        key = _LISTS.get(asked.path.rpartition("/")[2])
        self._answer(200, {"total_count": len(found), key: items} if key else items, headers)

    def _post(self, asked: Asked) -> None:
        self.host.next_id += 1
        new = {"id": self.host.next_id, "number": self.host.next_id, "state": "open", **asked.body}
        new |= {"user": {"login": self.host.login}, "author": {"username": self.host.login}, "system": False}
        new["labels"] = [{"name": name} for name in asked.body.get("labels", ())]
        self.host.documents.setdefault(asked.path, []).append(new)
        if asked.path.endswith("/labels"):
            self.host.documents[f"{asked.path}/{asked.body['name']}"] = asked.body
        self._answer(201, new, {})

    def _patch(self, asked: Asked) -> None:
        found = self._one(asked.path)
        if found is None:
            self._answer(404, {"message": "Not Found", "status": "404"}, {})
            return
        found.update(asked.body)
        self._answer(200, found, {})

    _put = _patch

    def _delete(self, asked: Asked) -> None:
        for items in self.host.documents.values():
            if isinstance(items, list):
                items[:] = [each for each in items if not _named(each, asked.path)]
        self._answer(204, b"", {})

    def _one(self, path: str) -> Any:
        lists = [items for items in self.host.documents.values() if isinstance(items, list)]
        return next((each for items in lists for each in items if _named(each, path)), None)

    def _answer(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _named(item: dict[str, Any], path: str) -> bool:
    last = re.fullmatch(r".*/(\d+)", path)
    return last is not None and int(last[1]) in (item.get("id"), item.get("number"))


def _matches(item: dict[str, Any], query: dict[str, str]) -> bool:
    """The filters that the hosts have and we use."""
    if query.get("labels") and query["labels"] not in [each["name"] for each in item["labels"]]:
        return False
    if query.get("state") == "open" and item.get("state") != "open":
        return False
    if "head" in query and query["head"] != item["head"]["label"]:
        return False
    same = ("name", "event", "head_sha")
    return all(item.get(key) == query[key] for key in same if key in query)


@contextmanager
def serving(host: CodeHost) -> Iterator[CodeHost]:
    """The host and its storage, on two ports: a token for one must not reach the other."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Handler) for _ in range(2)]
    addresses = [f"http://127.0.0.1:{server.server_address[1]}" for server in servers]
    host.address = addresses[0]
    handler = type("Handler", (_Handler,), {"host": host, "storage_address": addresses[1]})
    threads = []
    for server in servers:
        server.RequestHandlerClass = handler
        threads.append(threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}))
        threads[-1].start()
    try:
        yield host
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
