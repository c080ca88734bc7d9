"""What is told of errors that a sandbox may be the reason for."""

from __future__ import annotations

import pytest

from supervisor import Launch


def denied(launch: Launch, execute: str) -> dict | None:
    worker = launch("import errno, os, socket, subprocess\n" + execute)
    return worker.error(worker.send_execute("probe")).get("denied")


@pytest.mark.parametrize(
    ("execute", "access"),
    [
        ("open('/nowhere/a b')", "read"),
        ("open('/nowhere/a b', 'w')", "write"),
        ("os.open('/nowhere/a b', os.O_RDWR)", "write"),
        ("os.mkdir('/nowhere/a b')", "write"),
        ("os.listdir('/nowhere/a b')", "read"),
        ("os.stat('/nowhere/a b')", None),
    ],
)
def test_a_file_is_told_with_what_was_to_be_done_to_it(
    launch: Launch, execute: str, access: str | None
) -> None:
    assert denied(launch, execute) == {
        "access": access,
        "error": "ENOENT",
        "path": "/nowhere/a%20b",
    }


def test_any_bytes_of_a_name_are_told(launch: Launch) -> None:
    told = denied(launch, "open(b'/nowhere/%\\xff\\n')")
    assert told is not None
    assert told["path"] == "/nowhere/%25%FF%0A"


def test_a_relative_name_is_told_from_the_root(launch: Launch) -> None:
    told = denied(launch, "os.chdir('/usr')\nopen('../usr/nowhere/x')")
    assert told is not None
    assert told["path"] == "/usr/nowhere/x"


def test_a_program_is_told_by_the_name_it_was_called_by(
    launch: Launch,
) -> None:
    assert denied(launch, "subprocess.run(['no-such-program'])") == {
        "access": "execute",
        "error": "ENOENT",
        "path": "no-such-program",
    }


def test_a_host_is_told_where_a_socket_is_refused(launch: Launch) -> None:
    execute = (
        "try:\n"
        "    socket.getaddrinfo('127.0.0.1', 5432)\n"
        "    raise PermissionError(errno.EPERM, 'no')\n"
        "except OSError as error:\n"
        "    raise RuntimeError('wrapped') from error"
    )
    assert denied(launch, execute) == {
        "access": "connect",
        "error": "EPERM",
        "host": "127.0.0.1",
        "port": 5432,
    }


def test_a_name_that_is_not_found_is_told(launch: Launch) -> None:
    told = denied(launch, "socket.create_connection(('name.invalid', 443))")
    assert told is not None
    assert told["access"] == "connect"
    assert told["error"].startswith("EAI_")
    assert (told["host"], told["port"]) == ("name.invalid", 443)


@pytest.mark.parametrize(
    "execute",
    [
        "raise ValueError('no')",
        "raise OSError(errno.EIO, 'broken', '/x')",
        "raise OSError('no errno at all')",
        "raise PermissionError(errno.EPERM, 'no host was named')",
        "raise FileNotFoundError(errno.ENOENT, 'no', 5)",
        "class Odd(OSError):\n"
        "    filename = property(lambda self: 1 / 0)\n"
        "raise Odd(errno.EACCES, 'no', '/x')",
    ],
)
def test_other_errors_tell_nothing(launch: Launch, execute: str) -> None:
    assert denied(launch, execute) is None


def test_what_one_call_asked_for_is_not_told_of_the_next(
    launch: Launch,
) -> None:
    worker = launch(
        "import errno, socket\n"
        "if not DONE:\n"
        "    DONE.append(1)\n"
        "    socket.getaddrinfo('127.0.0.1', 80)\n"
        "    raise ValueError('first')\n"
        "raise PermissionError(errno.EPERM, 'second')",
        "DONE = []",
    )
    for _ in range(2):
        error = worker.error(worker.send_execute("probe"))
        assert "denied" not in error
