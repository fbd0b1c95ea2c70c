"""Ray Serve 2.9 and later, as its proxy counts; and vLLM's tokens where Ray Serve LLM runs it.

Some versions of Ray export a counter under its plain name as well, which is not read; times are in
milliseconds.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

_TOTAL = "ray_serve_num_http_requests_total"
_API = (("route", "(?!/-/).*"),)

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample=_TOTAL, labels=_API),
    Reading(metric=catalogue.CLIENT_ERRORS.name, sample=_TOTAL, labels=(*_API, ("status_code", "4.."))),
    Reading(metric=catalogue.SERVER_ERRORS.name, sample=_TOTAL, labels=(*_API, ("status_code", "5.."))),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="ray_serve_num_ongoing_http_requests"),
    Reading(metric=catalogue.QUEUED.name, sample="ray_serve_deployment_queued_queries"),
    Reading(
        metric=catalogue.LATENCY.name,
        sample="ray_serve_http_request_latency_ms",
        labels=_API,
        scale=0.001,
    ),
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="ray_vllm_prompt_tokens_total"),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="ray_vllm_generation_tokens_total"),
    Reading(metric=catalogue.FIRST_TOKEN.name, sample="ray_vllm_time_to_first_token_seconds"),
)
