"""The program's own unpacker, outside of its sandbox."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict

import pytest

from pipeline import File

SERVICE = Path(__file__).parent.parent / "services" / "unpacker"


@pytest.fixture()
def unpacker() -> Any:
    sys.path.insert(0, str(SERVICE))
    try:
        import unpacker as module

        yield module
    finally:
        sys.path.remove(str(SERVICE))


def package(files: Dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(".package/index", "index")
        archive.writestr(".package/signatures", "")
        for name, content in files.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def unpack(module: Any, content: bytes, size: int) -> bytes:
    node = module.UnpackNode({"size": size})
    inputs = {"package": File.from_bytes(content, "package.zip")}
    return bytes(node.execute(inputs, None)["content"].read_bytes())


FILES = {"a.txt": b"a" * 100_000, "b.txt": b"", "ü.txt": b"c"}


def test_gives_back_all_files_end_to_end(unpacker: Any) -> None:
    expected = b"".join(FILES.values())
    assert unpack(unpacker, package(FILES), len(expected)) == expected


def test_stops_at_the_size_that_was_said(unpacker: Any) -> None:
    with pytest.raises(unpacker.UnpackError, match="larger than was said"):
        unpack(unpacker, package(FILES), 99_999)


@pytest.mark.parametrize("length", [0, 10, 200])
def test_refuses_what_is_cut_short(unpacker: Any, length: int) -> None:
    with pytest.raises(unpacker.UnpackError):
        unpack(unpacker, package(FILES)[:length], 1_000_000)


def test_says_what_to_install_where_the_library_is_missing(
    unpacker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacker, "LIBRARY", "libarchive.so.0")
    with pytest.raises(unpacker.UnpackError) as caught:
        unpack(unpacker, package(FILES), 1_000_000)
    assert "libarchive13" in caught.value.hint
