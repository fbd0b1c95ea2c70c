"""What is asked."""

from itertools import islice

import pytest

from infra.bench.client import request
from infra.bench.prompts import Prompt, built_in, from_lines
from infra.errors import Refused


def test_built_in_prompts_repeat_with_the_seed_and_differ_from_each_other() -> None:
    """Two servers get the same work, and neither answers from its prefix cache."""
    first, second = (list(islice(built_in(1, 64), 200)) for _ in range(2))
    assert first == second
    assert len({str(prompt.ask)[:80] for prompt in first}) == 200
    assert list(islice(built_in(2, 64), 200)) != first


def test_built_in_prompts_vary_in_both_lengths() -> None:
    """Work of one size only would hide what batching does to the others."""
    prompts = list(islice(built_in(1, 64), 500))
    words = sorted(len(str(prompt.ask).split()) for prompt in prompts)
    limits = {prompt.max_tokens for prompt in prompts}
    assert words[50] < 30
    assert words[450] > 200
    assert (min(limits), max(limits)) == (16, 64)


def test_a_file_is_asked_in_order_again_and_again() -> None:
    """The file decides; empty lines don't."""
    text = '{"prompt": "a", "max_tokens": 3}\n\n{"messages": [{"role": "user", "content": "b"}]}\n'
    prompts = from_lines(text, place="p.jsonl", max_tokens=9)
    chat = Prompt([{"role": "user", "content": "b"}], 9)
    assert list(islice(prompts, 3)) == [Prompt("a", 3), chat, Prompt("a", 3)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "p.jsonl:2: not JSON"),
        ("[]", 'p.jsonl:2: a line has either "prompt" or "messages"'),
        ('{"prompt": "a", "messages": []}', "either"),
        ('{"prompt": 5}', "prompt is not a text"),
        ('{"messages": ["a"]}', "messages is not a list of objects"),
        ('{"messages": []}', "messages is not a list of objects"),
        ('{"prompt": "a", "max_tokens": 0}', "max_tokens is not a positive number: 0"),
        ('{"prompt": "a", "max_tokens": true}', "max_tokens is not"),
        ('{"prompt": "a", "temperature": 0}', "unknown: temperature"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(line: str, said: str) -> None:
    """A setting that would be ignored is refused, before anything is sent."""
    with pytest.raises(Refused, match=r"p\.jsonl") as caught:
        from_lines(f'{{"prompt": "fine"}}\n{line}', place="p.jsonl", max_tokens=9)
    assert said in caught.value.message


def test_an_empty_file_is_refused() -> None:
    """There is nothing to ask."""
    with pytest.raises(Refused, match="no prompt"):
        from_lines("\n", place="p.jsonl", max_tokens=9)


def test_texts_go_to_completions_and_messages_to_chat() -> None:
    """Usage is asked for where streams are, for they leave it out otherwise."""
    path, body = request(Prompt("a", 3), "m", stream=False)
    assert (path, body) == ("/completions", b'{"model": "m", "max_tokens": 3, "prompt": "a"}')
    path, body = request(Prompt([{"role": "user", "content": "b"}], 3), "m", stream=True)
    assert path == "/chat/completions"
    assert b'"stream": true, "stream_options": {"include_usage": true}' in body
