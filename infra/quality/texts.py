"""Scorers that compare texts: exact, regex, ROUGE-L. Pure, deterministic, and never sent anywhere.

ROUGE-L: Chin-Yew Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", ACL 2004 workshop. Of the
longest common subsequence of words, precision and recall in equal parts (F1); words are not stemmed.
"""

import re
import unicodedata
from collections.abc import Sequence

from infra.quality.prompts import GoldenPrompt

_LONE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
"""Scripts that write no spaces: each sign counts as a word."""
_WORD = re.compile(r"[^\W_]+")


def exact(prompt: GoldenPrompt, answer: str) -> float:
    """1 if the answer is the reference, but for case, white space and Unicode's ways to write the same."""
    return float(normalised(answer) == normalised(prompt.reference or ""))


def regex(prompt: GoldenPrompt, answer: str) -> float:
    """1 if the pattern is found anywhere in the answer."""
    return float(re.search(prompt.pattern or "", answer) is not None)


def rouge_l(prompt: GoldenPrompt, answer: str) -> float:
    """F1 of the longest common subsequence of words with the reference."""
    expected, found = words(prompt.reference or ""), words(answer)
    if not expected or not found:
        return float(expected == found)
    return 2 * common_subsequence(expected, found) / (len(expected) + len(found))


def normalised(text: str) -> str:
    """NFKC, case folded, every run of white space one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> tuple[str, ...]:
    """Letters and digits between everything else, case folded."""
    return tuple(_WORD.findall(_LONE.sub(r" \g<0> ", normalised(text))))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence.

    Bit-parallel (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004): a zero bit of `row` is a word
    of `first` that is matched, so a long answer takes as many steps as it has words.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    row = full = (1 << len(first)) - 1
    for word in second:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & full
    return len(first) - row.bit_count()
