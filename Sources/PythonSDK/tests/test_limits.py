"""What is told of limits that a node came up against."""

from __future__ import annotations

import pytest

from supervisor import Launch


@pytest.mark.parametrize(
    ("execute", "limit"),
    [
        ("raise OSError(errno.ENOSPC, 'no room')", "space"),
        ("raise OSError(errno.EDQUOT, 'no room')", "space"),
        ("raise RuntimeError(\"can't start new thread\")", "tasks"),
        (
            "try: raise OSError(errno.EMFILE, 'too many')\n"
            "except OSError: raise ValueError('outer')",
            "open_files",
        ),
        ("raise OSError(errno.EACCES, 'no')", None),
        ("raise RuntimeError('other')", None),
    ],
)
def test_an_error_tells_which_limit_is_behind_it(
    launch: Launch, execute: str, limit: str | None
) -> None:
    worker = launch("import errno\n" + execute)
    error = worker.error(worker.send_execute("probe"))
    assert error.get("limit") == limit
    assert isinstance(error.get("full", []), list)


def test_a_node_that_leaves_no_file_to_be_opened_is_told_of_all_the_same(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        while True:
            LEFT.append(os.open("/dev/null", os.O_RDONLY))
        """,
        "LEFT = []",
    )
    error = worker.error(worker.send_execute("probe"))
    assert error["type"] == "OSError"
    assert error["limit"] == "open_files"
