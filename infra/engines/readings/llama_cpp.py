"""llama.cpp's server with --metrics: tokens and requests at work, no times and no count of requests.

Tokens of a prompt that its cache still had are counted apart, and only in newer builds. The use of its KV
cache was told until the middle of 2025.
"""

from infra.agent import catalogue
from infra.agent.config import Reading

READINGS = (
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="llamacpp:prompt_tokens_total"),
    Reading(metric=catalogue.PROMPT_TOKENS.name, sample="llamacpp:prompt_tokens_cached_total"),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="llamacpp:tokens_predicted_total"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="llamacpp:requests_processing"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="llamacpp:requests_deferred"),
    Reading(metric=catalogue.QUEUED.name, sample="llamacpp:requests_deferred"),
    Reading(metric=catalogue.KV_CACHE.name, sample="llamacpp:kv_cache_usage_ratio", scale=100),
)
