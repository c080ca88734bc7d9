"""The bundled plugin `files`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from files_plugin import FilesError, FilesPlugin
from pipeline import ExecutionContext, File, PluginManifest


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    """Runs a node in a workspace."""
    plugin = FilesPlugin(PluginManifest("files", "1.0.0", "us"))

    def execute(
        node_type: str, inputs: Any = None, **parameters: Any
    ) -> Dict[str, Any]:
        node = plugin.create_node(node_type, parameters)
        assert node.validate_inputs(inputs or {})
        context = ExecutionContext(workspace=str(tmp_path))
        return node.execute(inputs or {}, context)

    return execute


def test_the_specification_is_valid_and_matches_the_manifest(
    described: Any,
) -> None:
    names = [node["node_type"] for node in described("files")]
    manifest = Path(__file__).parent.parent / "plugin.yaml"
    for name in names:
        assert f"- {name}\n" in manifest.read_text()
    assert names == ["read", "read_many", "list", "write"]


def test_a_file_is_read_as_text_bytes_or_file(
    run: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("ä\n", "utf-8")
    assert run("read", path="a.txt") == {"content": "ä\n", "size": 3}
    raw = run("read", path="a.txt", **{"as": "bytes"})
    assert raw["content"] == "ä\n".encode()
    file = run("read", path="./a.txt", **{"as": "file"})["content"]
    assert file == File("a.txt", "ä\n".encode())
    latin = run("read", path="a.txt", encoding="latin-1")["content"]
    assert latin == "Ã¤\n"


def test_an_absolute_path_is_left_to_the_sandbox(
    run: Any, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    other.write_text("x")
    assert run("read", path=str(other))["content"] == "x"
    with pytest.raises(FilesError, match="can't read") as caught:
        run("read", path="/nowhere/file")
    assert "filesystem.read:/nowhere/file" in caught.value.hint


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"path": "../x"}, "climbs out"),
        ({"path": "a/../../x"}, "climbs out"),
        ({"path": "missing"}, "no such file"),
        ({"path": "."}, "is a directory"),
        ({"path": 5}, "is int, not text"),
        ({"path": "a\0b"}, "NUL"),
        ({"path": "bin"}, r"isn't utf-8 text \(byte 1\)"),
        ({"path": "bin", "encoding": "klingon"}, "no encoding"),
    ],
)
def test_a_path_that_can_not_be_read_is_explained(
    run: Any, tmp_path: Path, parameters: Dict[str, Any], words: str
) -> None:
    (tmp_path / "bin").write_bytes(b"a\xff")
    with pytest.raises(FilesError, match=words) as caught:
        run("read", **parameters)
    assert caught.value.hint


def test_without_a_workspace_the_permission_is_named() -> None:
    plugin = FilesPlugin(PluginManifest("files", "1.0.0", "us"))
    node = plugin.create_node("read", {"path": "a"})
    with pytest.raises(FilesError) as caught:
        node.execute({}, ExecutionContext())
    assert "files=filesystem.read" in caught.value.hint


def test_a_list_holds_regular_files_in_order(run: Any, tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.csv", "d/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    os.symlink("a.txt", tmp_path / "link.txt")
    os.symlink("/nowhere", tmp_path / "dead.txt")
    found = run("list", pattern="*.txt")
    assert found == {
        "names": ["a.txt", "b.txt"],
        "paths": ["a.txt", "b.txt"],
        "count": 2,
    }
    followed = run("list", pattern="*.txt", links="follow")["names"]
    assert followed == ["a.txt", "b.txt", "link.txt"]
    deep = run("list", pattern="*.txt", recursive=True)["names"]
    assert deep == ["a.txt", "b.txt", "d/e.txt"]
    assert run("list", directory="d")["paths"] == ["d/e.txt"]
    with pytest.raises(FilesError, match="no such directory"):
        run("list", directory="missing")


def test_many_files_become_documents(run: Any, tmp_path: Path) -> None:
    for name in ("a", "b", "d/a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    documents = run("read_many", {"paths": ["b", "a", "d/a"]})["documents"]
    assert documents == [
        {"name": "b", "text": "text of b"},
        {"name": "a", "text": "text of a"},
        {"name": "d/a", "text": "text of d/a"},
    ]
    assert run("read_many", {"paths": []}) == {"documents": []}


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("ü", "ü".encode()),
        (b"\0", b"\0"),
        (File("x", b"file"), b"file"),
        ("", b""),
    ],
)
def test_content_of_each_kind_is_written(
    run: Any, tmp_path: Path, content: Any, written: bytes
) -> None:
    out = run("write", {"content": content}, path="new/dir/out.bin")
    assert out == {"path": "new/dir/out.bin", "size": len(written)}
    assert (tmp_path / "new" / "dir" / "out.bin").read_bytes() == written
    assert os.listdir(tmp_path / "new" / "dir") == ["out.bin"]


def test_a_file_is_written_under_its_own_name(
    run: Any, tmp_path: Path
) -> None:
    assert run("write", {"content": File("own", b"x")})["path"] == "own"


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../../x", "", ".", "a\0"]
)
def test_nothing_is_written_outside_the_workspace(
    run: Any, path: str
) -> None:
    with pytest.raises(FilesError, match="isn't a path within"):
        run("write", {"content": "x"}, path=path)


def test_a_link_is_not_followed_out_of_the_workspace(
    run: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_text("keep")
    os.symlink(outside, tmp_path / "link")
    os.symlink(outside / "file", tmp_path / "file")
    with pytest.raises(FilesError, match="isn't a directory"):
        run("write", {"content": "x"}, path="link/out")
    run("write", {"content": "x"}, path="file")
    assert os.listdir(outside) == ["file"]
    assert (outside / "file").read_text() == "keep"
    assert (tmp_path / "file").read_text() == "x"


def test_a_file_is_kept_unless_it_may_be_replaced(
    run: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("old")
    with pytest.raises(FilesError, match="there is a file 'out' already"):
        run("write", {"content": "new"}, path="out", overwrite=False)
    assert (tmp_path / "out").read_text() == "old"
    run("write", {"content": "new"}, path="out")
    assert (tmp_path / "out").read_text() == "new"
    run("write", {"content": "x"}, path="fresh", overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["fresh", "out"]


def test_only_content_that_can_be_written_is_accepted() -> None:
    plugin = FilesPlugin(PluginManifest("files", "1.0.0", "us"))
    node = plugin.create_node("write", {"path": "x"})
    assert not node.validate_inputs({})
    assert not node.validate_inputs({"content": 5})
    many = plugin.create_node("read_many", {})
    assert not many.validate_inputs({"paths": [1]})
    with pytest.raises(ValueError, match="Unknown node type"):
        plugin.create_node("erase", {})
