"""Text Generation Inference 2 and 3.

Its counters have no _total, and its histograms are in seconds although their names don't say so. What it
counts as requests is what arrived; finished ones are the successes and the failures, whose reason is in
`err`. It has no time to the first token.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

_FAILED = "tgi_request_failure"
_CLIENT = "validation|overloaded"
"""Answered 422, or 429 when it had no room."""
_LEFT = "dropped|cancelled"
"""The client went away."""

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample="tgi_request_success"),
    Reading(metric=catalogue.REQUESTS.name, sample=_FAILED),
    Reading(metric=catalogue.CLIENT_ERRORS.name, sample=_FAILED, labels=(("err", _CLIENT),)),
    Reading(
        metric=catalogue.SERVER_ERRORS.name, sample=_FAILED, labels=(("err", f"(?!({_CLIENT}|{_LEFT})$).*"),)
    ),
    Reading(metric=catalogue.ABORTED.name, sample=_FAILED, labels=(("err", _LEFT),)),
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="tgi_request_input_length_sum"),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="tgi_request_generated_tokens_sum"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="tgi_batch_current_size"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="tgi_queue_size"),
    Reading(metric=catalogue.QUEUED.name, sample="tgi_queue_size"),
    Reading(metric=catalogue.PER_TOKEN.name, sample="tgi_request_mean_time_per_token_duration"),
    Reading(metric=catalogue.LATENCY.name, sample="tgi_request_duration"),
)
