"""Runs every attempt where no sandbox is: python3 outside.py FACTS_AS_JSON.

For the tests of the probes themselves. Nothing here can do harm to a host as an
ordinary user; as root some of it would, so it refuses to run.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attempts_arguments  # noqa: E402, F401
import attempts_execution  # noqa: E402, F401
import attempts_files  # noqa: E402, F401
import attempts_kernel  # noqa: E402, F401
import attempts_network  # noqa: E402, F401
import attempts_processes  # noqa: E402, F401
import attempts_published  # noqa: E402, F401
from harness import ATTEMPTS, run  # noqa: E402
from sweep import sweep  # noqa: E402

if __name__ == "__main__":
    if os.geteuid() == 0:
        sys.exit("the probes are not to be run as root without a sandbox")
    facts = json.loads(sys.argv[1])
    # What a careless supervisor would leave open.
    os.set_inheritable(os.open("/", os.O_PATH | os.O_DIRECTORY), True)
    report = {
        "attempts": [
            {**run(name, facts), "open": tried.open_to_everyone}
            for name, tried in sorted(ATTEMPTS.items())
        ],
        "sweep": sweep(range(0, 470, 7)),
    }
    json.dump(report, sys.stdout)
