"""deploy/bench plugins: listing and installing plugins, beside pip.

    plugins_bench.py PROGRAM [--json] [--quick]

Both are started anew each time, and take turns. A thousand plugins are one
that was installed, written into the database a thousand times with the names
of its copies; pip lists a directory with a thousand packages.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Callable, List, Sequence

from bench_results import compare

MANY = 1000


def seconds(command: Sequence[str], **more: object) -> float:
    """How long a command takes; its failure ends the benchmark."""
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, check=False, **more  # type: ignore
    )
    taken = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return taken


def take_turns(
    name: str,
    ours: Callable[[], float],
    peer: str,
    theirs: Callable[[], float],
    rounds: int,
    as_json: bool,
) -> None:
    """Prints the medians of both, in milliseconds."""
    own: List[float] = []
    other: List[float] = []
    for _ in range(rounds):
        own.append(ours() * 1000)
        other.append(theirs() * 1000)
    compare(as_json, name, "ms", own, peer, other)


def multiply(state: Path) -> None:
    """A thousand installed plugins from the one that is installed."""
    with sqlite3.connect(state / "state.sqlite") as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM plugin_version").fetchone())
        del row["id"]
        source = state / "plugins" / row["place"]
        for number in range(MANY - 1):
            name = f"copy_{number}"
            copy = dict(row, name=name)
            metadata = json.loads(row["metadata"])
            copy["metadata"] = json.dumps(dict(metadata, name=name))
            copy["place"] = f"{name}/{source.name}"
            shutil.copytree(source, state / "plugins" / copy["place"])
            columns = ", ".join(copy)
            marks = ", ".join("?" * len(copy))
            cursor = database.execute(
                f"INSERT INTO plugin_version ({columns}) VALUES ({marks})",
                list(copy.values()),
            )
            database.execute(
                "INSERT INTO plugin_pointer (name, current) VALUES (?, ?)",
                [name, cursor.lastrowid],
            )


def packages(target: Path) -> None:
    """A thousand packages as pip finds them."""
    for number in range(MANY):
        directory = target / f"copy_{number}-1.0.dist-info"
        directory.mkdir(parents=True)
        (directory / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: copy-{number}\nVersion: 1.0\n"
        )
        (directory / "RECORD").write_text("")


def wheel(target: Path, source: Path) -> Path:
    """A wheel with the files of a plugin."""
    path = target / "greeter-1.0-py3-none-any.whl"
    info = "greeter-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(source.rglob("*.py")):
            archive.write(file, f"greeter/{file.relative_to(source)}")
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    options = sys.argv[2:]
    rounds = 5 if "--quick" in options else 31
    as_json = "--json" in options
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        home = Path(name)
        environment = {**os.environ, "HOME": name, "NO_COLOR": "1"}
        state = ["--state-dir", str(home / "state")]

        def ours(*arguments: str) -> float:
            return seconds(
                [program, *arguments, *state], cwd=name, env=environment
            )

        def theirs(*arguments: str) -> float:
            return seconds([*pip, *arguments], cwd=name, env=environment)

        seconds(
            [program, "plugin", "new", "greeter", "--directory", "source"],
            cwd=name,
            env=environment,
        )
        built = wheel(home, home / "source/greeter")
        installed = home / "installed"
        ours("plugin", "install", "source/greeter")
        take_turns(
            "install",
            lambda: ours("plugin", "install", "source/greeter"),
            "pip install of a wheel",
            lambda: theirs(
                "install", "--no-deps", "--no-index", "--upgrade",
                "--target", str(installed), str(built),
            ),
            rounds,
            as_json,
        )
        multiply(home / "state")
        packages(home / "many")
        take_turns(
            f"list {MANY} plugins",
            lambda: ours("plugin", "list"),
            f"pip list of {MANY} packages",
            lambda: theirs("list", "--path", str(home / "many")),
            rounds,
            as_json,
        )


if __name__ == "__main__":
    main()
