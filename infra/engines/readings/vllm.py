"""vLLM 0.8 to 0.29: the names of its V1 engine, and those that they replaced.

HTTP requests are counted by a middleware at the end of each, its class of status in `status`; a request that
its client left is 200 there and `abort` in the engine's own counter. The time per output token is a request's
mean, as clients measure it; before 0.11 only the gaps between tokens were there, under the name that later
became inter_token_latency_seconds.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

_HTTP = "http_requests_total"
_API = (("method", "POST"), ("handler", ".*/v1/.*"))
_PER_REQUEST = "vllm:request_time_per_output_token_seconds"

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample=_HTTP, labels=_API),
    Reading(metric=catalogue.REQUESTS.name, sample="vllm:request_success_total", unless=_HTTP),
    Reading(metric=catalogue.CLIENT_ERRORS.name, sample=_HTTP, labels=(*_API, ("status", "4.."))),
    Reading(metric=catalogue.SERVER_ERRORS.name, sample=_HTTP, labels=(*_API, ("status", "5.."))),
    Reading(
        metric=catalogue.ABORTED.name,
        sample="vllm:request_success_total",
        labels=(("finished_reason", "abort"),),
    ),
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="vllm:prompt_tokens_total"),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="vllm:generation_tokens_total"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="vllm:num_requests_running"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="vllm:num_requests_waiting"),
    Reading(metric=catalogue.QUEUED.name, sample="vllm:num_requests_waiting"),
    Reading(metric=catalogue.FIRST_TOKEN.name, sample="vllm:time_to_first_token_seconds"),
    Reading(metric=catalogue.PER_TOKEN.name, sample=_PER_REQUEST),
    Reading(
        metric=catalogue.PER_TOKEN.name, sample="vllm:time_per_output_token_seconds", unless=_PER_REQUEST
    ),
    Reading(metric=catalogue.LATENCY.name, sample="vllm:e2e_request_latency_seconds"),
    Reading(metric=catalogue.KV_CACHE.name, sample="vllm:kv_cache_usage_perc", scale=100),
    Reading(
        metric=catalogue.KV_CACHE.name,
        sample="vllm:gpu_cache_usage_perc",
        scale=100,
        unless="vllm:kv_cache_usage_perc",
    ),
)
