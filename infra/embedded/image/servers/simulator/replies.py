"""OpenAI's JSON: requests taken apart and checked, replies and stream chunks put together. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from infra.embedded.image.servers.simulator.text import Answer, count_tokens, invent


class BadRequest(Exception):  # noqa: N818 - an HTTP status, 400 unless told otherwise
    """The request can't be served; the message says why, as vLLM would."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "BadRequestError") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client wants."""

    chat: bool
    prompt: str
    limit: int | None
    seed: int
    ignore_end: bool
    stream: bool
    stream_usage: bool

    @property
    def prompt_tokens(self) -> int:
        """Roughly."""
        return count_tokens(self.prompt)

    def answer(self, *, garbled: bool = False) -> Answer:
        """The same for the same request."""
        return invent(
            self.prompt, seed=self.seed, limit=self.limit, ignore_end=self.ignore_end, garbled=garbled
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Shapes the replies to one request."""

    id: str
    created: int
    model: str
    request: Request

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The reply without streaming."""
        content = (
            {"message": {"role": "assistant", "content": answer.text}}
            if self.request.chat
            else {"text": answer.text}
        )
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": answer.finish_reason}
        return self._body([choice], usage=self._usage(len(answer.tokens)), chunk=False)

    def opening(self) -> dict[str, Any] | None:
        """The chunk before the first token: chat says who speaks."""
        if not self.request.chat:
            return None
        return self._chunk({"delta": {"role": "assistant", "content": ""}}, None)

    def token(self, text: str, finish_reason: str | None) -> dict[str, Any]:
        """The chunk of one token; the last one says why it is the last."""
        content = {"delta": {"content": text}} if self.request.chat else {"text": text}
        return self._chunk(content, finish_reason)

    def usage(self, tokens: int) -> dict[str, Any]:
        """The chunk after the last token, for clients that asked for it."""
        return self._body([], usage=self._usage(tokens), chunk=True)

    def _chunk(self, content: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": finish_reason}
        return self._body([choice], usage=None, chunk=True)

    def _body(
        self, choices: list[dict[str, Any]], *, usage: dict[str, int] | None, chunk: bool
    ) -> dict[str, Any]:
        kind = "chat.completion" if self.request.chat else "text_completion"
        body: dict[str, Any] = {
            "id": self.id,
            "object": f"{kind}.chunk" if chunk and self.request.chat else kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        if usage is not None:
            body["usage"] = usage
        return body

    def _usage(self, tokens: int) -> dict[str, int]:
        prompt = self.request.prompt_tokens
        return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def parse(body: bytes, *, chat: bool, names: tuple[str, ...], max_model_len: int, seed: int) -> Request:
    """A request from its JSON; raises BadRequest."""
    try:
        raw = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise BadRequest("the body is not a JSON object")
    model = raw.get("model")
    if model is not None and model not in names:
        raise BadRequest(f"The model `{model}` does not exist.", status=404, kind="NotFoundError")
    if raw.get("n") not in (None, 1):
        raise BadRequest("the simulator makes one choice: n must be 1")
    options = raw.get("stream_options") or {}
    request = Request(
        chat=chat,
        prompt=_conversation(raw.get("messages")) if chat else _prompt(raw.get("prompt")),
        limit=_limit(raw, chat),
        seed=raw["seed"] if isinstance(raw.get("seed"), int) else seed,
        ignore_end=raw.get("ignore_eos") is True,
        stream=raw.get("stream") is True,
        stream_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )
    if request.prompt_tokens + (request.limit or 0) > max_model_len:
        raise BadRequest(
            f"This model's maximum context length is {max_model_len} tokens; the request needs "
            f"{request.prompt_tokens} and asks for {request.limit or 0} more."
        )
    return request


def error_body(message: str, kind: str, status: int) -> dict[str, Any]:
    """An error as the API has it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}


def _limit(raw: dict[str, Any], chat: bool) -> int | None:
    """The completions API has always stopped at 16 tokens when nothing is said."""
    value = raw.get("max_completion_tokens") if chat else None
    value = value if value is not None else raw.get("max_tokens")
    if value is None:
        return None if chat else 16
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRequest(f"max_tokens must be at least 1, got {value!r}.")
    return value


def _conversation(messages: Any) -> str:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list with at least one message")
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise BadRequest("each message must be an object with a role")
    return "\n".join(f"{message['role']}: {_content(message.get('content'))}" for message in messages)


def _content(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, str) and prompt:
        return prompt
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    raise BadRequest("prompt must be a text, or a list of one")
