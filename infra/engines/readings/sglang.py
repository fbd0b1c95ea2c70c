"""SGLang 0.4 to 0.5, with --enable-metrics.

Responses are counted, by status, when their headers go out; versions without that counter tell only the
requests that the engine finished, and no errors. The time per output token is the gap between tokens: there
is no figure for whole requests in all of these versions.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

_HTTP = "sglang:http_responses_total"
_API = (("method", "POST"), ("endpoint", "/v1/.*|/generate"))
_GAPS = "sglang:inter_token_latency_seconds"

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample=_HTTP, labels=_API),
    Reading(metric=catalogue.REQUESTS.name, sample="sglang:num_requests_total", unless=_HTTP),
    Reading(metric=catalogue.CLIENT_ERRORS.name, sample=_HTTP, labels=(*_API, ("status_code", "4.."))),
    Reading(metric=catalogue.SERVER_ERRORS.name, sample=_HTTP, labels=(*_API, ("status_code", "5.."))),
    Reading(metric=catalogue.ABORTED.name, sample="sglang:num_aborted_requests_total"),
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="sglang:prompt_tokens_total"),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="sglang:generation_tokens_total"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="sglang:num_running_reqs"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="sglang:num_queue_reqs"),
    Reading(metric=catalogue.QUEUED.name, sample="sglang:num_queue_reqs"),
    Reading(metric=catalogue.FIRST_TOKEN.name, sample="sglang:time_to_first_token_seconds"),
    Reading(metric=catalogue.PER_TOKEN.name, sample=_GAPS),
    Reading(metric=catalogue.PER_TOKEN.name, sample="sglang:time_per_output_token_seconds", unless=_GAPS),
    Reading(metric=catalogue.LATENCY.name, sample="sglang:e2e_request_latency_seconds"),
    Reading(metric=catalogue.KV_CACHE.name, sample="sglang:token_usage", scale=100),
)
