"""The JSON that crosses the protocol: strict in both directions."""

from __future__ import annotations

import json
import sys
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Tuple

MAXIMUM_DEPTH = 64
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class JSONError(ValueError):
    """A value that JSON can't carry, or text that isn't the JSON we accept.

    :ivar path: where in the value, such as `["rows"][3]`
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path = ""
        super().__init__(problem)

    def __str__(self) -> str:
        return f"at {self.path}: {self.problem}" if self.path else self.problem


def dumps(value: Any, sort_keys: bool = False) -> bytes:
    """The value as compact UTF-8 JSON; tuples become lists.

    :raises JSONError: for what JSON has no word for, saying where it is
    """
    _check(value, 0)
    if type(value) is int:
        return b"%d" % value
    text = (_SORTING if sort_keys else _ENCODER).encode(value)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise JSONError(
            "text holds half of a surrogate pair, which is no character; "
            "decode it with errors='replace'"
        ) from None


def _check(value: Any, depth: int) -> None:
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not _LOWEST <= value <= _HIGHEST:
            raise JSONError(
                "the integer doesn't fit into 64 bits; pass it as text"
            )
    elif isinstance(value, float):
        if not isfinite(value):
            raise JSONError(
                f"{float(value)} has no place in JSON; use None for a missing "
                "number"
            )
    elif isinstance(value, (dict, list, tuple)):
        if depth >= MAXIMUM_DEPTH:
            raise JSONError(
                f"nested deeper than {MAXIMUM_DEPTH} levels, or inside itself"
            )
        _check_items(value, depth + 1)
    elif _is_numpy_scalar(value):
        _check(_numpy_scalar(value), depth)
    else:
        raise JSONError(_refusal(value))


def _check_items(container: Any, depth: int) -> None:
    key: Any = None
    try:
        if isinstance(container, dict):
            for key, item in container.items():
                if not isinstance(key, str):
                    raise JSONError(
                        f"the key {key!r} is {_article(key)}; keys are text"
                    )
                _check(item, depth)
        else:
            for key, item in enumerate(container):
                _check(item, depth)
    except JSONError as error:
        error.path = f"[{key!r}]{error.path}"
        raise


def _refusal(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return (
            "bytes can be an output of their own, but not a part of one; "
            "decode them to text"
        )
    if isinstance(value, (set, frozenset)):
        return "a set has no order; use sorted(...)"
    if hasattr(value, "__fspath__"):
        return (
            "a path means nothing to another node; use "
            "pipeline.File.from_path(path), as an output of its own, or "
            "str(path)"
        )
    if hasattr(value, "__array__"):
        return (
            "an array can be an output of its own, but not a part of one; "
            "use .tolist()"
        )
    return f"{_article(value)} can't be carried to another node"


def _article(value: Any) -> str:
    kind = type(value)
    name = kind.__name__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _is_numpy_scalar(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)


def _numpy_scalar(value: Any) -> Any:
    plain = value.item()
    if not isinstance(plain, (str, bool, int, float)):
        raise JSONError(_refusal(plain))
    return plain


def loads(data: bytes) -> Any:
    """Reads strict UTF-8 JSON.

    :raises JSONError: for duplicate keys, NaN, numbers out of range, nesting
        deeper than 64 levels, a byte order mark, and whatever isn't JSON
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JSONError(f"not UTF-8 at byte {error.start}") from None
    try:
        value = _decoded(text)
    except RecursionError:
        raise JSONError(f"nested deeper than {MAXIMUM_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise JSONError(f"not JSON: {error}") from None
    if text.count("[") + text.count("{") > MAXIMUM_DEPTH:
        _check_depth(value)
    return value


def _decoded(text: str) -> Any:
    """What the text says; no more than `_DECODER.decode`, but quicker where
    there is no space around it: nobody who speaks the protocol writes any."""
    if text and not text[0].isspace():
        value, end = _DECODER.raw_decode(text)
        if end == len(text):
            return value
    return _DECODER.decode(text)


def loads_object(data: bytes) -> Dict[str, Any]:
    """Reads one JSON object.

    :raises JSONError: as `loads`, and for any other value
    """
    value = loads(data)
    if not isinstance(value, dict):
        raise JSONError("not a JSON object")
    return value


def _check_depth(value: Any) -> None:
    depth = 0
    level: List[Any] = [value]
    while level:
        containers = [x for x in level if isinstance(x, (dict, list))]
        if containers:
            depth += 1
        if depth > MAXIMUM_DEPTH:
            raise JSONError(f"nested deeper than {MAXIMUM_DEPTH} levels")
        level = [
            item
            for container in containers
            for item in (
                container.values()
                if isinstance(container, dict)
                else container
            )
        ]


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise JSONError(f"the key {key!r} appears twice")
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    raise JSONError(f"{name} isn't JSON")


def _integer(digits: str) -> int:
    # The length first: converting a million digits takes a while.
    if len(digits) <= 20:
        value = int(digits)
        if _LOWEST <= value <= _HIGHEST:
            return value
    raise JSONError("an integer doesn't fit into 64 bits")


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise JSONError(f"the number {text[:40]} is out of range")
    return value


def _encoder(sort_keys: bool) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        sort_keys=sort_keys,
        default=_numpy_scalar,
    )


_ENCODER = _encoder(sort_keys=False)
_SORTING = _encoder(sort_keys=True)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_number,
)
