"""What the program's own installer of packages makes of a tool's words."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SERVICE = Path(__file__).parents[1] / "services/environments/environments.py"


@pytest.fixture(scope="module", name="service")
def _service() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environments", SERVICE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            """
error: Request failed after 3 retries in 10.2s
  cause: Failed to fetch: https://no.such.example/simple/numpy/
  cause: client error (Connect)
  cause: failed to lookup address information: Name or service not known
""",
            "failed to lookup address information: Name or service not known",
        ),
        (
            """
Using CPython 3.11.2 interpreter at: /usr/bin/python3
Resolved 2 packages in 73ms
error: Failed to download `pillow==13.0.0`
  cause: Hash mismatch for `pillow==13.0.0`

         Expected:
           sha256:00
""",
            "Hash mismatch for `pillow==13.0.0`",
        ),
        (
            """
  × No solution found when resolving dependencies:
  ╰─▶ Because only numpy<=2.5 is available and you require numpy>=99, we
      can conclude that your requirements are unsatisfiable.
""",
            "Because only numpy<=2.5 is available and you require numpy>=99, "
            "we can conclude that your requirements are unsatisfiable.",
        ),
        (
            """
Looking in links: /environment
ERROR: Could not find a version that satisfies the requirement numpy>=99
ERROR: No matching distribution found for numpy>=99
""",
            "Could not find a version that satisfies the requirement "
            "numpy>=99",
        ),
        ("Segmentation fault\n", "Segmentation fault"),
        ("", "it said nothing"),
    ],
)
def test_the_cause_comes_first(
    service: ModuleType, said: str, cause: str
) -> None:
    assert service.told(said.splitlines())[0] == cause


def test_a_tool_that_says_much_is_cut(service: ModuleType) -> None:
    said = ["error: x"] + ["  cause: " + "y" * 5000] * 3
    cause, rest = service.told(said)
    assert len(cause) <= 1000
    assert rest[0] == "x"
