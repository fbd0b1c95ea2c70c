"""The endpoint of the emulated cloud: every AWS service behind one HTTP port, in this process.

Calls are answered one at a time, under the package's lock, because moto and the reconcilers share unguarded
state. The server is waitress and not moto's own, a development server that now and then closes a connection
on a Go client before the answer is through: the client then sends again what was already done. What moto does
not implement is answered as AWS answers a bad request, so that SDKs fail at once instead of retrying a server
error.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from moto import settings
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from waitress import wasyncore
from waitress.server import create_server

from infra.embedded import aws

_log = logging.getLogger(__name__)

_THREADS = 16
"""More than Terraform's parallelism, so that a slow answer keeps no other caller waiting for a thread."""
_IDLE_SECONDS = 60

_NO_ROUTE = b"<!doctype html>"
"""How the web framework answers a path that moto has no handler for; no AWS service answers so."""

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
        self._server: Any = create_server(
            _Application(), host=host, port=port, threads=_THREADS, channel_timeout=_IDLE_SECONDS, ident=None
        )
        self._thread = threading.Thread(target=self._server.run, name="aws-api", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return f"http://{self._server.effective_host}:{self._server.effective_port}"

    def stop(self) -> None:
        """Stop serving and free the port; requests that are being answered are answered."""
        self._server.task_dispatcher.shutdown(timeout=_IDLE_SECONDS)
        # The loop ends when nothing is left in its map; only its own thread may take things out.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))
        self._thread.join()


def _configure() -> None:
    """Set moto's own options, which it otherwise reads from the environment."""
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["batch"] = {"use_docker": False}
    settings.ACM_VALIDATION_WAIT = 1


class _Application:
    """Moto's dispatcher behind the lock, with errors that SDKs understand."""

    def __init__(self) -> None:
        self._dispatch = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["RAW_URI"] = environ["REQUEST_URI"]  # moto's name for the path as it was sent
        answer: list[tuple[Any, ...]] = []
        try:
            with aws.lock:
                body = list(self._dispatch(environ, lambda *args: answer.append(args)))
            if body and body[0].startswith(_NO_ROUTE):
                raise NotImplementedError(f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO')}")
            start_response(*answer[0])
            return body
        except NotImplementedError as error:
            _log.warning("not emulated: %s: %s", _service(environ), error)
            return _refuse(environ, start_response, "NotImplemented", f"not emulated: {error}")
        except Exception as error:  # noqa: BLE001 - a request's outermost frame: a bug must become an answer
            _log.exception("the emulation failed: %s %s", _service(environ), environ.get("PATH_INFO"))
            return _refuse(environ, start_response, "EmulationFailure", f"{type(error).__name__}: {error}")


def _service(environ: dict[str, Any]) -> str:
    """Tell the service from the signature's credential scope."""
    scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].split(",")[0].split("/")
    return scope[3] if len(scope) == 5 else "unknown service"


def _refuse(
    environ: dict[str, Any], start_response: Callable[..., Any], code: str, message: str
) -> Iterable[bytes]:
    """Answer 400 in the form of the service's protocol."""
    content_type, body = _error_body(_service(environ), code, f"{_service(environ)}: {message}")
    start_response(
        "400 Bad Request",
        [("Content-Type", content_type), ("Content-Length", str(len(body))), ("x-amzn-errortype", code)],
    )
    return [body]


def _error_body(service: str, code: str, message: str) -> tuple[str, bytes]:
    error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        xml = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>0</RequestID></Response>"
    elif service == "s3":
        xml = f"<Error>{error}</Error>"
    elif service in _XML_SERVICES:
        error = f"<Error><Type>Sender</Type>{error}</Error>"
        xml = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
    else:
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    return "text/xml", xml.encode()
