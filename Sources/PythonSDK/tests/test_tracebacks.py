"""The tracebacks of error frames."""

from __future__ import annotations

from supervisor import Launch, Supervisor


def test_an_exception_comes_with_a_traceback_without_the_framework(
    launch: Launch,
) -> None:
    worker = launch(
        """
        from pipeline import File
        try:
            helper()
        except KeyError as error:
            raise RuntimeError("outer") from error
        """,
        """
        def helper():
            return {}["missing"]
        """,
    )
    error = worker.error(worker.send_execute("probe"))
    assert error["class"] == "error"
    assert error["type"] == "RuntimeError"
    assert error["message"] == "outer"
    assert "in helper" in error["traceback"]
    assert 'return {}["missing"]' in error["traceback"]
    assert "direct cause" in error["traceback"]
    assert "/pipeline/" not in error["traceback"]


def test_the_framework_is_in_tracebacks_where_that_is_asked_for(
    launch: Launch, supervisor: Supervisor
) -> None:
    supervisor.debug = True
    worker = launch("raise RuntimeError('whole')")
    error = worker.error(worker.send_execute("probe"))
    assert "/pipeline/" in error["traceback"]


def test_frames_of_the_framework_are_cut_at_the_leaf_too(
    launch: Launch,
) -> None:
    worker = launch(
        """
        from pipeline import File
        return {"o": File.from_path("/nowhere/at/all")}
        """
    )
    error = worker.error(worker.send_execute("probe"))
    assert error["type"] == "FileNotFoundError"
    assert "plugin.py" in error["traceback"]
    assert "/pipeline/" not in error["traceback"]
