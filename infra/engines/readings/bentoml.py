"""BentoML 1.2 and later: requests by endpoint and status, nothing of tokens.

Of several services in one Bento, the ones behind the first count the same request again: the readings are
right for Bentos with one service. Its own pages are not counted as requests.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

_TOTAL = "bentoml_service_request_total"
_API = (("endpoint", "(?!/(metrics|healthz|livez|readyz)$).*"),)

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample=_TOTAL, labels=_API),
    Reading(
        metric=catalogue.CLIENT_ERRORS.name, sample=_TOTAL, labels=(*_API, ("http_response_code", "4.."))
    ),
    Reading(
        metric=catalogue.SERVER_ERRORS.name, sample=_TOTAL, labels=(*_API, ("http_response_code", "5.."))
    ),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="bentoml_service_request_in_progress", labels=_API),
    Reading(metric=catalogue.LATENCY.name, sample="bentoml_service_request_duration_seconds", labels=_API),
)
