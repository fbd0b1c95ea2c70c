"""The endpoint of the emulated cloud: every AWS service behind one HTTP port, in this process.

Calls are answered one at a time, under the package's lock, because moto and the reconcilers share unguarded
state. What moto does not implement is answered as AWS answers a bad request, so that SDKs fail at once
instead of retrying a server error.
"""

import io
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto import settings
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from infra.embedded import aws
from infra.embedded.aws.faults import INJECTOR, Fate, throttled

_log = logging.getLogger(__name__)

_ANSWERS_KEPT = 512
_NO_ROUTE = b"<!doctype html>"
"""How the web framework answers a path that moto has no handler for; no AWS service answers so."""

_TARGET = "HTTP_X_AMZ_TARGET"
"""A call that names its operation there speaks JSON, whatever its service spoke in earlier days."""
_XML_SERVICES = frozenset(
    {
        "autoscaling",
        "cloudformation",
        "elasticloadbalancing",
        "iam",
        "monitoring",
        "route53",
        "sns",
        "sqs",
        "sts",
    }
)


class Server:
    """A running endpoint. `port` 0 takes a free one; raises OSError when the address can't be bound."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        _configure()
        aws.install()
        self._server = make_server(host, port, _Application(), threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-api", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return f"http://{self._server.host}:{self._server.port}"

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _configure() -> None:
    """Set moto's own options, which it otherwise reads from the environment."""
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["batch"] = {"use_docker": False}
    settings.ACM_VALIDATION_WAIT = 1


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    """No line for each request: Terraform makes thousands."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        _log.debug("%s %s", self.requestline, code)


@dataclass(frozen=True)
class _Answer:
    """What a call was answered."""

    head: tuple[Any, ...]
    """Status and headers, as WSGI's start_response takes them."""
    body: list[bytes]


class _Answers:
    """The latest successful answers, by the id that an SDK gives all attempts of one call.

    On a busy machine Terraform's SDK loses about one answer in 2,000, and sends the request again: creating
    what was created, or deleting what is gone, would then fail. The second attempt gets the first one's
    answer.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Answer] = OrderedDict()

    def again(self, environ: Mapping[str, Any]) -> _Answer | None:
        """The answer that an earlier attempt got, if this is a later one."""
        if str(environ.get("HTTP_AMZ_SDK_REQUEST", "attempt=1")).startswith("attempt=1;"):
            return None
        return self._known.get(str(environ.get("HTTP_AMZ_SDK_INVOCATION_ID")))

    def keep(self, environ: Mapping[str, Any], answer: _Answer) -> None:
        """Keep a successful answer; an error is what a retry is for."""
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call and answer.head[0].startswith("2"):
            self._known[str(call)] = answer
            if len(self._known) > _ANSWERS_KEPT:
                self._known.popitem(last=False)


class _Application:
    """Moto's dispatcher behind the lock, with errors that SDKs understand."""

    def __init__(self) -> None:
        self._dispatch = DomainDispatcherApplication(create_backend_app)
        self._answers = _Answers()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = _read_body(environ)  # before the lock: a slow client must not hold up the others
        service = _service(environ)
        fate = INJECTOR.fate(service)
        time.sleep(INJECTOR.latency(service))  # the latency that was asked for; usually none
        if fate is Fate.THROTTLED:
            status, code = throttled(service)
            return _refuse(environ, start_response, code, "rate exceeded (simulated)", status=status)
        if fate is Fate.FAILED:
            return _fail(environ, start_response)
        if (old := INJECTOR.remembered(service, body)) is not None:
            start_response(*old.head)
            return list(old.body)
        try:
            with aws.lock:
                answer = self._answers.again(environ) or self._ask(environ)
                if fate is not Fate.LOST:
                    self._answers.keep(environ, answer)
            if answer.body and answer.body[0].startswith(_NO_ROUTE):
                # A path of AWS that moto doesn't have: refused below, like all that isn't emulated.
                raise NotImplementedError(f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO')}")
            if fate is Fate.LOST:
                return _fail(environ, start_response)
            INJECTOR.remember(service, body, answer)
            start_response(*answer.head)
            return answer.body
        except NotImplementedError as error:
            _log.warning("not emulated: %s: %s", _service(environ), error)
            return _refuse(environ, start_response, "NotImplemented", f"not emulated: {error}")
        except Exception as error:  # noqa: BLE001 - a request's outermost frame: a bug must become an answer
            _log.exception("the emulation failed: %s %s", _service(environ), environ.get("PATH_INFO"))
            return _refuse(environ, start_response, "EmulationFailure", f"{type(error).__name__}: {error}")

    def _ask(self, environ: dict[str, Any]) -> _Answer:
        head: list[tuple[Any, ...]] = []
        body = list(self._dispatch(environ, lambda *arguments: head.append(arguments)))
        return _Answer(head[0], body)


def _read_body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = stream.read(int(length)) if length else stream.read()
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _service(environ: dict[str, Any]) -> str:
    """Tell the service from the signature's credential scope."""
    scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].split(",")[0].split("/")
    return scope[3] if len(scope) == 5 else "unknown service"


def _fail(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    message = "the service failed (simulated)"
    status = "500 Internal Server Error"
    return _refuse(environ, start_response, "InternalFailure", message, status=status)


def _refuse(
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    code: str,
    message: str,
    *,
    status: str = "400 Bad Request",
) -> Iterable[bytes]:
    """Answer an error in the form of the service's protocol."""
    content_type, body = _error_body(environ, code, f"{_service(environ)}: {message}")
    start_response(
        status,
        [("Content-Type", content_type), ("Content-Length", str(len(body))), ("x-amzn-errortype", code)],
    )
    return [body]


def _error_body(environ: dict[str, Any], code: str, message: str) -> tuple[str, bytes]:
    service = _service(environ)
    error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        xml = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>0</RequestID></Response>"
    elif service == "s3":
        xml = f"<Error>{error}</Error>"
    elif service in _XML_SERVICES and _TARGET not in environ:
        error = f"<Error><Type>Sender</Type>{error}</Error>"
        xml = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
    else:
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    return "text/xml", xml.encode()
