"""Finding, importing and starting a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from supervisor import (
    ERROR,
    HELLO,
    PROBE,
    Supervisor,
    json_value,
    write_probe,
)

SOURCE = PROBE.replace("{execute}", "        return {}")


def failure(
    supervisor: Supervisor, directory: Path, **manifest: Any
) -> Dict[str, Any]:
    """The error with which a plugin fails to start."""
    supervisor.expect(HELLO)
    supervisor.initialize(directory, **manifest)
    error = supervisor.expect(ERROR).object
    assert supervisor.ending()[0] == 70
    return error


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "defines no subclass of BasePlugin"),
        ("from pipeline import BasePlugin", "defines no subclass"),
        (SOURCE + "\nclass Other(BasePlugin): pass", "Other, Probe"),
        ("import no_such_thing", "No module named 'no_such_thing'"),
        ("def broken(:", "invalid syntax"),
        ("import sys; sys.exit(4)", "sys.exit(4)"),
        (
            "from pipeline import BasePlugin\nclass P(BasePlugin): pass",
            "abstract",
        ),
    ],
)
def test_an_entry_point_without_a_usable_plugin_is_a_load_error(
    tmp_path: Path, supervisor: Supervisor, source: str, words: str
) -> None:
    (tmp_path / "plugin.py").write_text(source)
    error = failure(supervisor, tmp_path)
    assert error["class"] == "load"
    assert words in error["message"]
    assert "/pipeline/" not in error["traceback"]
    assert "importlib" not in error["traceback"]


def test_a_missing_module_comes_with_a_hint(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "plugin.py").write_text("import no_such_thing.inside")
    assert "dependencies" in failure(supervisor, tmp_path)["hint"]


@pytest.mark.parametrize(
    ("entry_point", "words"),
    [
        ("missing.py", "doesn't exist"),
        ("../plugin.py", "leads out of the plugin"),
        ("/etc/passwd.py", "leads out of the plugin"),
        ("plugin.txt", "isn't a Python file"),
        ("", "leads out of the plugin"),
    ],
)
def test_an_entry_point_is_a_python_file_of_the_plugin(
    tmp_path: Path, supervisor: Supervisor, entry_point: str, words: str
) -> None:
    error = failure(supervisor, tmp_path, entry_point=entry_point)
    assert error["class"] == "load"
    assert words in error["message"]


def test_a_failing_initialize_has_its_own_class(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    directory = write_probe(
        tmp_path, "return {}", "Probe.initialize = lambda s, c: 1 / 0"
    )
    error = failure(supervisor, directory)
    assert (error["class"], error["type"]) == (
        "initialize",
        "ZeroDivisionError",
    )


def test_a_class_that_is_derived_from_another_one_counts(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "plugin.py").write_text(
        SOURCE.replace("Probe(BasePlugin)", "Base(BasePlugin)")
        + "\nclass Probe(Base): pass\n"
    )
    supervisor.start(tmp_path)


def test_an_imported_plugin_class_does_not_count(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "other.py").write_text(
        SOURCE.replace("class Probe(", "class Other(")
    )
    (tmp_path / "plugin.py").write_text("from other import Other\n" + SOURCE)
    supervisor.start(tmp_path)


@pytest.mark.parametrize(
    ("package", "statement"),
    [
        (True, "from .nodes.processors import double"),
        (True, "from nodes.processors import double"),
        (True, "from src.nodes.processors import double"),
        (False, "from nodes.processors import double"),
        (False, "from src.nodes.processors import double"),
        (False, "import shared_by_all; from nodes.processors import double"),
    ],
)
def test_a_plugin_in_src_imports_its_siblings(
    tmp_path: Path, supervisor: Supervisor, package: bool, statement: str
) -> None:
    nodes = tmp_path / "src" / "nodes"
    nodes.mkdir(parents=True)
    (tmp_path / "shared_by_all.py").write_text("")
    (nodes / "__init__.py").write_text("")
    (nodes / "processors.py").write_text("def double(x): return 2 * x\n")
    if package:
        (tmp_path / "src" / "__init__.py").write_text("")
    (tmp_path / "src" / "plugin.py").write_text(
        statement
        + "\n"
        + PROBE.replace(
            "{execute}", "        return {'o': double(inputs['a'])}"
        )
    )
    supervisor.start(tmp_path, entry_point="src/plugin.py")
    call = supervisor.send_execute("probe", values=[json_value("a", 4)])
    assert supervisor.outputs(call) == {"o": 8}


def test_a_plugin_may_be_called_like_a_standard_module(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "json.py").write_text(SOURCE)
    supervisor.start(tmp_path, entry_point="json.py")


def test_a_plugin_that_closes_its_socket_ends(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    directory = write_probe(
        tmp_path,
        "return {}",
        """
        def close(self, context):
            import os
            os.close(3)
        Probe.initialize = close
        """,
    )
    supervisor.expect(HELLO)
    supervisor.initialize(directory)
    assert supervisor.receive() is None
    assert supervisor.ending() == (0, "bye\n", "")
