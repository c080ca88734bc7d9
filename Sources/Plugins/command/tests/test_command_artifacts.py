"""Which files of a workspace patterns match."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, List

import pytest

import command_artifacts
from command_artifacts import find, patterns, read
from command_failures import CommandError

TREE = (
    "a.txt",
    "b.txt",
    "c.csv",
    ".hidden",
    "dist/x",
    "dist/y.txt",
    "dist/.z",
    "dist/sub/x",
    "dist/sub/deep/x",
    "dist/.git/x",
    ".ci/log/x",
    "a/dist/x",
    "[x]",
    "line\nend.txt",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A workspace with a few files."""
    for name in TREE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def found(root: Path, *texts: str) -> List[str]:
    return find(str(root), patterns(list(texts), "artifacts"), int).paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("a.txt", ["a.txt"]),
        ("./dist//x", ["dist/x"]),
        ("*.txt", ["a.txt", "b.txt", "line\nend.txt"]),
        ("?.txt", ["a.txt", "b.txt"]),
        ("[!a].txt", ["b.txt"]),
        ("[[]x]", ["[x]"]),
        ("A.txt", []),
        ("*", ["[x]", "a.txt", "b.txt", "c.csv", "line\nend.txt"]),
        (".*", [".hidden"]),
        ("dist", []),
        ("dist/*", ["dist/x", "dist/y.txt"]),
        ("dist/.*", ["dist/.z"]),
        ("*/x", ["dist/x"]),
        (
            "dist/**",
            ["dist/sub/deep/x", "dist/sub/x", "dist/x", "dist/y.txt"],
        ),
        ("dist/**/x", ["dist/sub/deep/x", "dist/sub/x", "dist/x"]),
        ("dist/**/**/x", ["dist/sub/deep/x", "dist/sub/x", "dist/x"]),
        ("**/deep/**", ["dist/sub/deep/x"]),
        (
            "**/dist/**/x",
            ["a/dist/x", "dist/sub/deep/x", "dist/sub/x", "dist/x"],
        ),
        ("**/c.csv", ["c.csv"]),
        ("a.txt/**", []),
        ("a.txt/x", []),
        (".ci/**", [".ci/log/x"]),
        ("**/.git/*", ["dist/.git/x"]),
        ("d**t/x", ["dist/x"]),
    ],
)
def test_a_pattern_matches_as_in_a_shell(
    tree: Path, text: str, paths: List[str]
) -> None:
    assert found(tree, text) == paths


def test_two_asterisks_match_all_that_is_not_hidden(tree: Path) -> None:
    assert found(tree, "**") == sorted(
        name for name in TREE if "/." not in f"/{name}"
    )


def test_a_file_that_two_patterns_match_is_found_once(tree: Path) -> None:
    assert found(tree, "b.*", "*.txt", "a.txt", "**/a.txt") == [
        "a.txt",
        "b.txt",
        "line\nend.txt",
    ]
    assert found(tree) == []


def test_a_pattern_that_matches_nothing_is_told(tree: Path) -> None:
    wanted = patterns(["a.txt", "*.none", "dist", "./*.csv"], "artifacts")
    assert find(str(tree), wanted, int).unmatched == ["*.none", "dist"]


def test_only_regular_files_are_found_and_no_link_is_followed(
    tree: Path, tmp_path_factory: Any
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("s")
    os.symlink(outside, tree / "dist" / "link")
    os.symlink(outside / "secret", tree / "dist" / "file")
    os.symlink("x", tree / "dist" / "within")
    os.symlink("/nowhere", tree / "dist" / "dead")
    os.mkfifo(tree / "dist" / "pipe")
    assert found(tree, "dist/*") == ["dist/x", "dist/y.txt"]
    assert found(tree, "dist/link/*", "dist/file", "**/secret") == []
    assert found(tree, "dist/pipe", "dist/dead", "dist/within") == []


@pytest.mark.parametrize("path", ["dist/link/secret", "dist/file"])
def test_a_link_that_came_meanwhile_is_not_followed(
    tree: Path, tmp_path_factory: Any, path: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("s")
    os.symlink(outside, tree / "dist" / "link")
    os.symlink(outside / "secret", tree / "dist" / "file")
    with pytest.raises(CommandError, match=f"can't read '{path}'"):
        read(str(tree), [path], int)


def test_what_is_no_file_any_more_is_told_and_not_waited_for(
    tree: Path,
) -> None:
    os.mkfifo(tree / "pipe")
    for path in ("pipe", "dist"):
        with pytest.raises(CommandError, match="no regular file any more"):
            read(str(tree), [path], int)
    with pytest.raises(CommandError, match="no such file"):
        read(str(tree), ["gone"], int)


def test_a_directory_that_becomes_a_link_is_not_entered(
    tree: Path, tmp_path_factory: Any
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x").write_text("s")
    calls = []

    def swap() -> None:
        calls.append(1)
        if len(calls) == 2:
            os.rename(tree / "a", tree / "old")
            os.symlink(outside, tree / "a")

    wanted = patterns(["a/**"], "artifacts")
    assert find(str(tree), wanted, swap).paths == []
    assert len(calls) == 2


@pytest.mark.parametrize("count", [1_000, 1_001])
def test_at_most_a_thousand_files_are_found(
    tmp_path: Path, count: int
) -> None:
    for number in range(count):
        (tmp_path / str(number)).touch()
    if count == 1_000:
        assert len(found(tmp_path, "*", "**")) == 1_000
        return
    with pytest.raises(CommandError, match="match 1,001 files") as caught:
        found(tmp_path, "*")
    assert "archive" in (caught.value.hint or "")


@pytest.mark.parametrize("name", [b"\xff", b"a\x1b[2J", "\u202e".encode()])
def test_a_file_that_can_not_keep_its_name_is_told(
    tmp_path: Path, name: bytes
) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    paths = found(tmp_path, "*")
    with pytest.raises(CommandError, match="can't be kept under its name"):
        read(str(tmp_path), paths, int)


def test_a_directory_that_is_no_text_is_told(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff/x")).touch()
    paths = found(tmp_path, "*/x")
    with pytest.raises(CommandError, match="can't be kept under its name"):
        read(str(tmp_path), paths, int)


def test_a_directory_that_can_not_be_read_is_told(
    tree: Path, monkeypatch: Any
) -> None:
    def refuse(_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command_artifacts.os, "scandir", refuse)
    with pytest.raises(CommandError, match="can't read '.' of the workspace"):
        found(tree, "*")


def test_looking_for_files_can_be_ended(tree: Path) -> None:
    class Enough(Exception):
        pass

    def end() -> None:
        raise Enough

    actions: List[Callable[[], object]] = [
        lambda: find(str(tree), patterns(["*"], "artifacts"), end),
        lambda: read(str(tree), ["a.txt"], end),
    ]
    for action in actions:
        with pytest.raises(Enough):
            action()


def test_a_deep_tree_takes_no_descriptors(tmp_path: Path) -> None:
    import resource

    root = os.open(tmp_path, os.O_DIRECTORY)
    for _ in range(300):
        os.mkdir("d", dir_fd=root)
        below = os.open("d", os.O_DIRECTORY, dir_fd=root)
        os.close(root)
        root = below
    os.close(os.open("x", os.O_CREAT, dir_fd=root))
    os.close(root)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        assert found(tmp_path, "**") == ["d/" * 300 + "x"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
