"""The package as a whole: its types, its wheel, its template, its examples."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from supervisor import RESULT, SDK, Supervisor, json_value

PLUGINS = SDK.parent / "Plugins"


def run(*command: str, **environment: str) -> str:
    """What a program prints; it has to succeed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=SDK,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_are_strict() -> None:
    run(sys.executable, "-m", "mypy")


@pytest.mark.parametrize("plugin", ["files", "text", "chart", "command"])
def test_the_types_of_the_bundled_plugins_are_strict(plugin: str) -> None:
    files = sorted(str(path) for path in (PLUGINS / plugin).glob("*.py"))
    run(
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        *files,
        MYPYPATH=f"{SDK}:{PLUGINS / plugin}",
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel, built without a network."""
    directory = tmp_path_factory.mktemp("wheel")
    copy = directory / "source"
    copy.mkdir()
    run("cp", "-r", "pipeline", "pyproject.toml", "README.md", str(copy))
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        f"--wheel-dir={directory}",
        str(copy),
    )
    return directory / "pipeline-1.0.0-py3-none-any.whl"


def test_the_wheel_holds_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"pipeline/{path.name}" for path in SDK.glob("pipeline/*.py")}
    assert modules | {"pipeline/py.typed"} <= names
    assert not [name for name in names if name.startswith("tests")]


@pytest.mark.parametrize(
    "template", ["python", "python-dependencies", "command"]
)
def test_editors_find_the_types_in_the_wheel(
    wheel: Path, tmp_path: Path, template: str
) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    directory = new_plugin(tmp_path / "fresh", "fresh", template)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file="]
    command += sorted(str(path) for path in directory.rglob("*.py"))

    def check() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(site)},
        )

    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    # It is this file that tells them.
    (site / "pipeline" / "py.typed").unlink()
    assert "missing library stubs or py.typed" in check().stdout


def new_plugin(
    directory: Path, name: str, template: str = "python"
) -> Path:
    """What `plugin new` does with the template."""
    top = SDK / "templates" / template
    for source in top.rglob("*"):
        target = directory / source.relative_to(top)
        if source.is_file() and "__pycache__" not in source.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text().replace("__PLUGIN_NAME__", name)
            target.write_text(text)
    return directory


def test_a_new_plugin_passes_its_own_tests(tmp_path: Path) -> None:
    directory = new_plugin(tmp_path / "fresh", "fresh")
    told = {
        "directory": str(directory),
        "manifest": {
            "name": "fresh",
            "version": "0.1.0",
            "author": "Ada",
            "entry_point": "plugin.py",
        },
    }
    out = run(
        sys.executable,
        "-m",
        "pipeline._test_run",
        "-q",
        "-p",
        "no:cacheprovider",
        str(directory),
        f"--rootdir={directory}",
        PYTHONPATH=f"{SDK}:{os.environ.get('PYTHONPATH', '')}",
        PIPELINE_TEST_PLUGIN=json.dumps(told),
    )
    assert "3 passed" in out
    for path in directory.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert "__PLUGIN_NAME__" not in path.read_text()


def test_a_new_plugin_runs_in_a_worker(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    supervisor.config = {"greeting": "Hi"}
    supervisor.start(new_plugin(tmp_path / "fresh", "fresh"))
    call = supervisor.send_call({"operation": "describe"})
    answer, _ = supervisor.answer(call)
    assert answer.kind == RESULT
    assert answer.values()[0]["node_types"][0]["node_type"] == "greet"
    call = supervisor.send_execute("greet", {}, [json_value("names", ["A"])])
    assert supervisor.outputs(call) == {"text": "Hi, A!"}


def test_the_plugin_of_the_guide_runs(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    guide = (SDK / "README.md").read_text()
    found = re.search(r"`plugin\.py`:\n\n```python\n(.*?)```", guide, re.S)
    assert found is not None
    (tmp_path / "plugin.py").write_text(found[1])
    supervisor.start(tmp_path)
    call = supervisor.send_execute("shout", {}, [json_value("text", "hi")])
    assert supervisor.outputs(call) == {"text": "HI"}


def test_a_worker_starts_without_what_it_may_never_need() -> None:
    code = f"import sys; sys.path.insert(0, {str(SDK)!r}); import json; "
    code += "before = set(sys.modules); import pipeline.worker; "
    code += "print(*sorted(set(sys.modules) - before))"
    loaded = set(run(sys.executable, "-I", "-c", code).split())
    heavy = {
        "asyncio",
        "dataclasses",
        "hashlib",
        "inspect",
        "logging",
        "pathlib",
        "socket",
        "tempfile",
        "traceback",
        "typing",
    }
    assert not heavy & loaded
