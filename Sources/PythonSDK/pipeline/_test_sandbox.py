"""Runs nodes in the plugin's sandbox, for tests.

The other end is `orchestrator plugin test --sandboxed`. Both speak frames of
the worker protocol, the test in the supervisor's place: call, then progress
and log, then result or error. Every output comes as a list of values.
"""

from __future__ import annotations

import builtins
import os
import threading
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from pipeline import _failures, _frames, _json
from pipeline._failures import Failure
from pipeline._node_checks import InputsRefused, NodeCheckFailed
from pipeline._transfer import open_call, pack_outputs
from pipeline._wire import Connection
from pipeline.context import Cancelled, ExecutionContext

if TYPE_CHECKING:
    from pipeline._wire import Frame
    from pipeline.plugin import BaseNode, NodeSpecification


class NodeFailed(Exception):
    """A node failed in its sandbox.

    :ivar kind: the class of the protocol's error frame, or `worker` where the
        node's process ended or was ended
    :ivar type: the name of the exception's class, or empty
    :ivar hint: how to mend it, where that is known
    """

    def __init__(
        self,
        message: str,
        kind: str = "worker",
        type: str = "",
        traceback: str = "",
        hint: Optional[str] = None,
    ) -> None:
        text = message
        if hint:
            text += f"\nhint: {hint}"
        if traceback:
            text += f"\nin the sandbox:\n{traceback}"
        super().__init__(text)
        self.message = message
        self.kind = kind
        self.type = type
        self.hint = hint


class Sandbox:
    """The connection to whoever runs the nodes."""

    def __init__(self, descriptor: int) -> None:
        self._connection = Connection(descriptor)
        self._number = 0
        self._lock = threading.Lock()

    def execute(
        self,
        node_type: str,
        node: BaseNode,
        specification: NodeSpecification,
        inputs: Mapping[str, Any],
        context: Any,
        config: Mapping[str, Any],
    ) -> Dict[str, Any]:
        """Runs one node and returns its outputs.

        :raises Exception: a built-in exception where the node raised one,
            else NodeFailed, InputsRefused or Cancelled
        """
        known = context if isinstance(context, ExecutionContext) else None
        if known is not None:
            known.raise_if_cancelled()
        metadata = _metadata(node_type, node, known, config)
        several = {port.name for port in specification.inputs if port.multiple}
        try:
            body, shared = pack_outputs(metadata, dict(inputs), several)
        except Failure as failure:
            raise NodeCheckFailed(
                f"the inputs can't be sent: {failure.message}"
            ) from None
        with self._lock:
            self._number += 1
            self._connection.send(
                _frames.CALL,
                self._number,
                body,
                [memory.fd for memory in shared],
            )
            frame = self._answer(known)
        if frame.kind == _frames.ERROR:
            _raise(_frames.parse_object(frame.body))
        return _outputs(frame, specification)

    def _answer(self, context: Optional[ExecutionContext]) -> Frame:
        while True:
            frame = self._connection.receive()
            if frame is None:
                raise NodeFailed("orchestrator plugin test has gone")
            if frame.call != self._number:
                # Of a call whose answer nobody waited for.
                for descriptor in frame.descriptors:
                    os.close(descriptor)
                continue
            if frame.kind == _frames.PROGRESS:
                told = _frames.parse_object(frame.body)
                if context is not None:
                    context.progress(told["fraction"], told["message"])
            elif frame.kind == _frames.LOG:
                told = _frames.parse_object(frame.body)
                if context is not None:
                    context.log(told["message"], told["level"])
            else:
                return frame


def _metadata(
    node_type: str,
    node: BaseNode,
    context: Optional[ExecutionContext],
    config: Mapping[str, Any],
) -> Dict[str, Any]:
    left = None if context is None else context.remaining()
    metadata: Dict[str, Any] = {
        "operation": "execute",
        "node": node.node_id or "node",
        "node_type": node_type,
        "parameters": node.parameters,
        "config": dict(config),
        "attempt": 1 if context is None else context.attempt,
        "deadline_ms": None if left is None else int(left * 1000),
    }
    if context is not None and context.secrets:
        metadata["secrets"] = dict(context.secrets)
    try:
        _json.dumps(metadata)
    except _json.JSONError as error:
        raise NodeCheckFailed(
            f"the parameters or the configuration can't be sent: {error}"
        ) from None
    return metadata


def _outputs(frame: Frame, specification: NodeSpecification) -> Dict[str, Any]:
    several = {port.name for port in specification.outputs if port.multiple}
    arrived = open_call(frame).inputs()
    outputs: Dict[str, Any] = {name: [] for name in several}
    for name, found in arrived.items():
        outputs[name] = found if name in several else found[0]
    return outputs


def _raise(told: Dict[str, Any]) -> None:
    failed = NodeFailed(
        told.get("message") or "the node failed",
        told.get("class") or "worker",
        told.get("type") or "",
        told.get("traceback") or "",
        told.get("hint"),
    )
    if failed.kind == _failures.INPUT:
        raise InputsRefused(failed.message) from failed
    if failed.kind == _failures.OUTPUT:
        raise NodeCheckFailed(failed.message) from failed
    if failed.kind == _failures.CANCELLED:
        raise Cancelled(failed.message) from failed
    kind = getattr(builtins, failed.type, None)
    # The others are made of more than a text.
    if (
        isinstance(kind, type)
        and issubclass(kind, Exception)
        and not issubclass(kind, UnicodeError)
        and not kind.__name__.endswith("Group")
    ):
        raise kind(failed.message) from failed
    raise failed
