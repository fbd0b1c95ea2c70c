"""SNS: alarms are published to topics, and messages reach web hooks of this machine and a mailbox.

moto posts to web hooks while the API's lock is held, without a time limit: here each delivery has a thread
that gives up after a few seconds. Hosts that are not this machine get nothing: the cloud has no network. Mail
is not sent, but kept for the status and logged. A subscription needs no confirmation.
"""

import ipaddress
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from moto.sns.models import Subscription, sns_backends

from infra.embedded.aws import cloudwatch
from infra.embedded.aws.patching import replace

_log = logging.getLogger(__name__)

_SUBJECT = 100
_MAILS_KEPT = 100
_DELIVERIES = threading.BoundedSemaphore(16)
_SECONDS = 5.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0

# Straight to the endpoint: a proxy from the environment can't reach this machine's loopback addresses.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A message to an e-mail subscription; `at` in epoch seconds."""

    to: str
    topic: str
    subject: str
    message: str
    at: float


MAILBOX: deque[Mail] = deque(maxlen=_MAILS_KEPT)
"""What e-mail subscriptions got, newest last."""


def install() -> None:
    """Put deliveries into moto, and take the alarms' actions on topics."""
    replace(Subscription, "publish", _with_deliveries)
    cloudwatch.on_action("arn:aws:sns:", notify)


def notify(arn: str, transition: cloudwatch.Transition, now: float) -> None:
    """Publish an alarm's change to a topic; the message has its own time, so `now` is not needed."""
    region, account = arn.split(":")[3:5]
    topic = sns_backends[account][region].topics.get(arn)
    if topic is None:
        _log.warning("alarm %s: there is no topic %s", transition.alarm_name, arn)
        return
    where = transition.message.get("Region", transition.region)
    subject = f'{transition.new}: "{transition.alarm_name}" in {where}'
    topic.publish(json.dumps(transition.message), subject=subject[:_SUBJECT])


def _with_deliveries(original: Callable[..., None]) -> Callable[..., None]:
    def publish(self: Any, message: str, message_id: str, **more: Any) -> None:
        if self.protocol not in ("http", "https", "email", "email-json"):
            original(self, message, message_id, **more)
            return
        matcher, attributes = self._filter_policy_matcher, more.get("message_attributes")
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if more.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        subject = more.get("subject") or ""
        if self.protocol.startswith("email"):
            mail = Mail(
                to=self.endpoint, topic=self.topic_arn, subject=subject, message=message, at=time.time()
            )
            MAILBOX.append(mail)
            _log.info("mail to %s: %s", mail.to, mail.subject or mail.message)
            return
        _deliver(self, message, message_id, subject, attributes)

    return publish


def _deliver(
    subscription: Any, message: str, message_id: str, subject: str, attributes: Mapping[str, Any] | None
) -> None:
    """Post a message to a web hook, without waiting for it."""
    if not _is_here(subscription.endpoint):
        _log.warning("no delivery to %s: it is not on this machine", subscription.endpoint)
        return
    if not _DELIVERIES.acquire(blocking=False):
        _log.warning("no delivery to %s: too many are under way", subscription.endpoint)
        return

    def run() -> None:
        try:
            _post(subscription, message, message_id, subject, attributes)
        finally:
            _DELIVERIES.release()

    threading.Thread(target=run, name="sns-delivery", daemon=True).start()


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(
    subscription: Any, message: str, message_id: str, subject: str, attributes: Mapping[str, Any] | None
) -> None:
    raw = str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "true"
    body = message if raw else _envelope(subscription, message, message_id, subject, attributes)
    request = urllib.request.Request(  # noqa: S310 - the scheme is http or https, the host is this machine
        subscription.endpoint,
        data=body.encode(),
        headers={
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": message_id,
            "x-amz-sns-topic-arn": subscription.topic_arn,
            "x-amz-sns-subscription-arn": subscription.arn,
            **({"x-amz-sns-rawdelivery": "true"} if raw else {}),
        },
    )
    for attempt in range(_ATTEMPTS):
        try:
            with _OPEN(request, timeout=_SECONDS):
                return
        except (urllib.error.URLError, OSError) as error:
            _log.warning("delivery to %s failed: %s", subscription.endpoint, error)
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PAUSE_SECONDS)  # a receiver that is away may be back by then


def _envelope(
    subscription: Any, message: str, message_id: str, subject: str, attributes: Mapping[str, Any] | None
) -> str:
    return json.dumps(subscription.get_post_data(message, message_id, subject, message_attributes=attributes))
