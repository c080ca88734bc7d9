"""Packages from PyPI at real work in workers without a grant, under every profile.

    python3 packages.py --orchestrator PROGRAM --python INTERPRETER

The interpreter is that of a virtual environment with the packages of
`requirements.txt`, made with `--copies`: an environment whose interpreter is a file
is an installation of its own, all of which a worker sees read-only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from profiles import shipped_profiles

HERE = Path(__file__).resolve().parent

EXPECTED = {
    "numpy": {"product": True, "eigenvalues": [1.0, 2.0, 3.0], "frequency": 8, "random": 1.0},
    "pandas": {
        "parquet": True, "csv": 3000,
        "totals": {"a": 1498500, "b": 1499500, "c": 1500500},
        "zone": "2024-01-01 01:00:00+01:00",
    },
    "pillow": {
        "images": {kind: [320, 240, True] for kind in ("png", "jpeg", "webp", "tiff")},
        "blurred": True,
    },
    "scikit-learn": {"forest": True, "regression": True},
}


def run(orchestrator, python, profile):
    """name → what the node gave, or the error that it ended in."""
    nodes = {
        name: {
            "type": f"packages/{name}", "timeout": "300s",
            "resources": {"memory": "768Mi", "cpu": 1},
        }
        for name in EXPECTED
    }
    workflow = {
        "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "packages"},
        "spec": {"nodes": nodes, "outputs": {name: f"{name}.result" for name in nodes}},
    }
    with tempfile.TemporaryDirectory(prefix="packages-") as place:
        path = Path(place) / "workflow.json"
        path.write_text(json.dumps(workflow), encoding="utf-8")
        done = subprocess.run(
            [
                orchestrator, "run", str(path), "--plugins", str(HERE / "plugins"),
                "--profile", profile, "--python", python, "--state-dir",
                str(Path(place) / "state"), "--output", "json",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=place,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"orchestrator run ended with {done.returncode} and no report") from None
    given = {
        name: output.get("value") for name, output in (report.get("outputs") or {}).items()
        if isinstance(output, dict)
    }
    for node in report["nodes"]:
        if node.get("error"):
            given[node["node"]] = node["error"]
    return given


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True, type=os.path.abspath)
    options.add_argument("--python", required=True)
    options.add_argument("--profile", action="append", help="default: all of profiles/")
    chosen = options.parse_args()
    failed = False
    for profile in chosen.profile or shipped_profiles():
        given = run(chosen.orchestrator, chosen.python, profile)
        wrong = {name: given.get(name) for name in EXPECTED if given.get(name) != EXPECTED[name]}
        print(f"profile {profile}: {len(EXPECTED) - len(wrong)} of {len(EXPECTED)} packages work")
        for name, value in wrong.items():
            print(f"  {name}: {json.dumps(value)}")
        failed = failed or bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
