"""The profiles that come with the program, and what may be granted under them."""

import json
import re
import subprocess
from pathlib import Path

PROFILES = Path(__file__).resolve().parent.parent.parent / "profiles"


def shipped_profiles():
    """Their names. A file beside them that defines groups of system calls is none."""
    kind = re.compile(r"^kind: SecurityProfile$", re.MULTILINE)
    return sorted(
        path.stem for path in PROFILES.glob("*.yaml")
        if kind.search(path.read_text(encoding="utf-8"))
    )


def may_be_granted(orchestrator, profile, permission):
    """Whether the profile's ceiling names the permission, or there is none."""
    done = subprocess.run(
        [orchestrator, "profile", "show", profile, "--output", "json"],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True,
    )
    ceiling = json.loads(done.stdout).get("permissions")
    return ceiling is None or permission in ceiling["atMost"]
