"""What can be computed about texts; plain functions without a pipeline."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any, Dict, FrozenSet, List, Sequence, Tuple

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

# Words that say nothing about what an English text is about.
COMMON_WORDS = frozenset(
    """a about above after all also an and any are as at be been before being
    below between both but by can could did do does each either else for from
    had has have he her his how i if in into is it its may might more most must
    my no nor not of on one only or other our out over same shall she should so
    some such than that the their them then there these they this those through
    to under until up upon us was we were what when where which while who whom
    whose will with within without would you your""".split()
)

Document = Tuple[str, str]


def documents_of(value: Any) -> List[Document]:
    """The names and texts of what a node was given.

    :param value: a text, a list of texts, a list of mappings with `name` and
        `text`, or a mapping from names to texts
    :raises ValueError: for anything else
    """
    if isinstance(value, str):
        return [("text", value)]
    if isinstance(value, dict):
        value = [{"name": name, "text": text} for name, text in value.items()]
    if not isinstance(value, list):
        raise ValueError(
            f"documents are a list of texts, not {type(value).__name__}"
        )
    documents: List[Document] = []
    for number, item in enumerate(value, 1):
        if isinstance(item, str):
            item = {"name": f"text {number}", "text": item}
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("name"), str)
            or not isinstance(item.get("text"), str)
        ):
            raise ValueError(f"document {number} has no 'name' and 'text'")
        documents.append((item["name"], item["text"]))
    return documents


def words(text: str) -> List[str]:
    """The words in lower case, without numbers and punctuation."""
    return [match.group().casefold() for match in _WORD.finditer(text)]


def counts(document: Document) -> Dict[str, Any]:
    """Lines, words, characters and distinct words of a document."""
    name, text = document
    found = words(text)
    return {
        "name": name,
        "lines": len(text.splitlines()),
        "words": len(found),
        "characters": len(text),
        "distinct_words": len(set(found)),
    }


def shingles(text: str, length: int) -> FrozenSet[Tuple[str, ...]]:
    """All runs of so many words; a shorter text is one run."""
    found = words(text)
    if len(found) < length:
        return frozenset([tuple(found)]) if found else frozenset()
    return frozenset(
        tuple(found[i : i + length]) for i in range(len(found) - length + 1)
    )


def jaccard(a: FrozenSet[Any], b: FrozenSet[Any]) -> float:
    """What two sets share, as a part of what they hold together.

    Two empty sets are alike.
    """
    if not a and not b:
        return 1.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def cosine(a: Dict[str, int], b: Dict[str, int]) -> float:
    """The cosine of the angle between two word counts."""
    if not a or not b:
        return 1.0 if not a and not b else 0.0
    product = sum(count * b[word] for word, count in a.items() if word in b)
    length = math.sqrt(
        sum(count * count for count in a.values())
        * sum(count * count for count in b.values())
    )
    return product / length


def keywords(documents: Sequence[Document], limit: int) -> List[List[str]]:
    """The words that set each document apart from the others (tf-idf)."""
    counted = [Counter(words(text)) for _, text in documents]
    containing = Counter(word for count in counted for word in count)
    best = []
    for count in counted:
        weight = {
            word: number * math.log((1 + len(documents)) / containing[word])
            for word, number in count.items()
            if word not in COMMON_WORDS and len(word) > 2
        }
        ranked = sorted(weight, key=lambda word: (-weight[word], word))
        best.append(ranked[:limit])
    return best


def frequencies(
    documents: Sequence[Document], limit: int, common: bool
) -> List[Tuple[str, int]]:
    """The most frequent words of all documents together."""
    count = Counter(
        word
        for _, text in documents
        for word in words(text)
        if common or word not in COMMON_WORDS
    )
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))[:limit]
