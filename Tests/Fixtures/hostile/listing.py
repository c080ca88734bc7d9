"""Prints every attempt with its claim and every manner, as JSON, for the tests."""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attempts_arguments  # noqa: E402, F401
import attempts_egress  # noqa: E402, F401
import attempts_execution  # noqa: E402, F401
import attempts_files  # noqa: E402, F401
import attempts_kernel  # noqa: E402, F401
import attempts_network  # noqa: E402, F401
import attempts_processes  # noqa: E402, F401
import attempts_published  # noqa: E402, F401
from harness import ATTEMPTS  # noqa: E402
from misbehaviour import MANNERS  # noqa: E402

json.dump(
    {
        "attempts": {name: a.claim for name, a in sorted(ATTEMPTS.items())},
        "manners": {
            name: " ".join(function.__doc__.split())
            for name, function in sorted(MANNERS.items())
        },
    },
    sys.stdout,
)
