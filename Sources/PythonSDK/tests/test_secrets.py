"""What a call is entrusted with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline import ExecutionContext
from pipeline._operations import Operations
from pipeline._scope import CallScope
from pipeline._transfer import IncomingCall
from supervisor import LOG, Launch

SECRET = "hunter2-ü"


def test_a_node_is_given_the_secrets_of_its_call(launch: Launch) -> None:
    worker = launch(
        """
        return {"o": [context.secrets["TOKEN"], sorted(context.secrets),
                      len(context.secrets), context.secrets.get("NONE")]}
        """
    )
    call = worker.send_execute("probe", secrets={"TOKEN": SECRET, "B": ""})
    assert worker.outputs(call)["o"] == [SECRET, ["B", "TOKEN"], 2, None]


@pytest.mark.parametrize("metadata", [{}, {"secrets": None}, {"secrets": {}}])
def test_a_call_without_secrets_has_none(
    launch: Launch, metadata: Any
) -> None:
    worker = launch('return {"o": len(context.secrets)}')
    assert worker.outputs(worker.send_execute("probe", **metadata))["o"] == 0


def test_no_representation_and_no_log_shows_a_secret(launch: Launch) -> None:
    worker = launch(
        """
        import pprint
        shown = f"{context.secrets} {context.secrets!r} {vars(context)}"
        shown += pprint.pformat(context.secrets)
        context.log(shown)
        print(shown)
        raise ValueError(shown)
        """
    )
    call = worker.send_execute("probe", secrets={"TOKEN": SECRET})
    answer, before = worker.answer(call)
    assert "Secrets(TOKEN)" in answer.object["message"]
    log = [f.object["message"] for f in before if f.kind == LOG]
    assert "Secrets(TOKEN)" in log[0]
    _, out, err = worker.shut_down()
    assert "Secrets(TOKEN)" in out
    told = json.dumps(answer.object, ensure_ascii=False)
    for text in (told, *log, out, err):
        assert SECRET not in text


def test_secrets_can_not_be_changed() -> None:
    secrets: Any = ExecutionContext(secrets={"A": "b"}).secrets
    with pytest.raises(TypeError):
        secrets["A"] = "c"
    with pytest.raises(TypeError):
        del secrets["A"]
    assert dict(secrets) == {"A": "b"}


def test_secrets_are_gone_once_the_call_is_over(launch: Launch) -> None:
    worker = launch(
        """
        kept = list(KEPT)
        KEPT.append(context)
        if self.parameters.get("fail"):
            raise ValueError("no")
        return {"o": [len(context.secrets)] + [len(c.secrets) for c in kept]}
        """,
        "KEPT = []",
    )
    secrets = {"TOKEN": SECRET}
    assert worker.outputs(worker.send_execute("probe", secrets=secrets)) == {
        "o": [1]
    }
    worker.error(worker.send_execute("probe", {"fail": 1}, secrets=secrets))
    assert worker.outputs(worker.send_execute("probe"))["o"] == [0, 0, 0]


def test_a_call_that_is_over_holds_no_secrets() -> None:
    call = IncomingCall(1, {"operation": "none", "secrets": {"A": "b"}}, [])
    plugin: Any = None
    connection: Any = None
    operations = Operations(plugin, None, "/tmp")
    scope = CallScope(connection, 1, "node")
    scope.cancel()
    with pytest.raises(Exception, match="cancelled"):
        operations.carry_out(call, scope)
    assert "secrets" not in call.metadata


@pytest.mark.parametrize(
    "secrets", [["hunter2"], {"TOKEN": ["hunter2"]}, "hunter2", 5]
)
def test_secrets_that_are_none_are_refused_and_not_shown(
    launch: Launch, secrets: Any
) -> None:
    worker = launch("return {}")
    error = worker.error(worker.send_execute("probe", secrets=secrets))
    assert error["class"] == "unknown"
    assert "secrets aren't texts" in error["message"]
    assert "hunter2" not in json.dumps(error)
