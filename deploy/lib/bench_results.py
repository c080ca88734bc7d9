"""What benchmarks in Python print: medians of this program and of a peer, which took turns."""

from __future__ import annotations

import json
import statistics
from typing import List


def show(as_json: bool, **result: object) -> None:
    """One figure, with its peer's where it has one."""
    if as_json:
        print(json.dumps(result), flush=True)
        return
    peer = ""
    if result.get("peer"):
        peer = (
            f"{result['peer']:<28} {result['peer_median']:>10} "
            f"{result['unit']}  ratio {result['ratio']}"
        )
    print(
        f"{result['name']:<28} {result['median']:>10} {result['unit']} "
        f"± {result['spread']:<8} {peer}",
        flush=True,
    )


def compare(
    as_json: bool,
    name: str,
    unit: str,
    own: List[float],
    peer: str,
    other: List[float],
) -> None:
    """The medians of both."""
    quartiles = statistics.quantiles(own, n=4)
    show(
        as_json,
        name=name,
        median=round(statistics.median(own), 3),
        unit=unit,
        spread=round(quartiles[2] - quartiles[0], 3),
        peer=peer,
        peer_median=round(statistics.median(other), 3),
        ratio=round(statistics.median(own) / statistics.median(other), 3),
    )
