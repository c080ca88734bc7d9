"""Starts pytest for `orchestrator plugin test`."""

from __future__ import annotations

import sys
from typing import List

# Of no exit status of pytest's own.
MISSING = 86


def main(arguments: List[str]) -> int:
    """Runs the author's tests.

    :returns: pytest's exit status, or 86 when this Python has no pytest
    """
    try:
        import pytest
    except ModuleNotFoundError:
        return MISSING
    return int(pytest.main(["-p", "pipeline.testing", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
