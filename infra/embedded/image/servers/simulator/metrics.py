"""vLLM's metrics, by its names, labels and buckets, with the simulator's numbers.

When another engine's image is stood in for, the requests running and waiting are given by that engine's
names as well: whoever drains it looks for those.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from infra.embedded.image.servers.simulator.batch import Batch

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FIRST_TOKEN = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_PER_TOKEN = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
_REQUEST = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0),
    *(480.0, 960.0, 1920.0, 7680.0),
)
_REASONS = ("stop", "length", "abort", "error")
_OTHER_NAMES = {
    "sglang": ("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    "text-generation-inference": ("tgi_batch_current_size", "tgi_queue_size"),
    "bentoml": ("bentoml_service_request_in_progress", None),
}


class Metrics:
    """Counts what the server does. Times in seconds."""

    def __init__(self, model: str, image: str, batch: Batch) -> None:
        self._registry = CollectorRegistry()
        self._model = model
        self._gauges(image, batch)
        self.first_token = self._histogram(
            "vllm:time_to_first_token_seconds", "Time to first token", _FIRST_TOKEN
        )
        self.per_token = self._histogram(
            "vllm:request_time_per_output_token_seconds", "Mean time per token of a request", _PER_TOKEN
        )
        self.between_tokens = self._histogram(
            "vllm:inter_token_latency_seconds", "Time between two tokens", _PER_TOKEN
        )
        self.end_to_end = self._histogram("vllm:e2e_request_latency_seconds", "Whole request", _REQUEST)
        self.queued = self._histogram("vllm:request_queue_time_seconds", "Time in the queue", _REQUEST)
        self.prompt_tokens = self._counter("vllm:prompt_tokens", "Tokens in prompts")
        self.generation_tokens = self._counter("vllm:generation_tokens", "Tokens generated")
        self._finished = Counter(
            "vllm:request_success",
            "Requests by how they ended",
            ("model_name", "finished_reason"),
            registry=self._registry,
        )
        for reason in _REASONS:
            self._finished.labels(model, reason)
        self._http = Counter(
            "http_requests", "HTTP requests", ("handler", "method", "status"), registry=self._registry
        )

    def finished(self, reason: str) -> None:
        """A request ended: stop, length or abort."""
        self._finished.labels(self._model, reason).inc()

    def answered(self, handler: str, method: str, status: int) -> None:
        """An HTTP request was answered; its status is told by its class, such as 5xx."""
        self._http.labels(handler, method, f"{status // 100}xx").inc()

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def _gauges(self, image: str, batch: Batch) -> None:
        running, waiting = "vllm:num_requests_running", "vllm:num_requests_waiting"
        self._gauge(running, "Requests in the batch", lambda: batch.running)
        self._gauge(waiting, "Requests in the queue", lambda: batch.waiting)
        self._gauge("vllm:kv_cache_usage_perc", "1 means full", lambda: batch.kv_cache_usage)
        for part, (other_running, other_waiting) in _OTHER_NAMES.items():
            if part in image:
                self._gauge(other_running, "Requests in the batch", lambda: batch.running)
                if other_waiting:
                    self._gauge(other_waiting, "Requests in the queue", lambda: batch.waiting)

    def _gauge(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        gauge = Gauge(name, help_text, ("model_name",), registry=self._registry)
        gauge.labels(self._model).set_function(value)

    def _histogram(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        histogram = Histogram(name, help_text, ("model_name",), registry=self._registry, buckets=buckets)
        return histogram.labels(self._model)

    def _counter(self, name: str, help_text: str) -> Counter:
        return Counter(name, help_text, ("model_name",), registry=self._registry).labels(self._model)
