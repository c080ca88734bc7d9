"""What a call asks of the plugin: describe, execute, estimate."""

from __future__ import annotations

import time

from pipeline import _failures
from pipeline._failures import Failure
from pipeline._patterns import Patterns
from pipeline._secrets import Secrets
from pipeline._transfer import pack_outputs
from pipeline.context import Cancelled, ExecutionContext
from pipeline.plugin import BaseNode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple

    from pipeline._memory import SealedMemory
    from pipeline._scope import CallScope
    from pipeline._transfer import IncomingCall
    from pipeline.plugin import BasePlugin

    Answer = Tuple[bytes, List[SealedMemory]]


class Operations:
    """Carries out calls on one plugin."""

    def __init__(
        self, plugin: BasePlugin, workspace: Optional[str], scratch: str
    ) -> None:
        self._plugin = plugin
        self._workspace = workspace
        self._scratch = scratch
        self._patterns: Optional[Patterns] = None
        # The outputs of each node type that have several values.
        self._several: Dict[str, Set[str]] = {}

    def carry_out(self, call: IncomingCall, scope: CallScope) -> Answer:
        """Runs the call's operation.

        :returns: the body of the result and its shared memory
        :raises Failure: when it ends with an error
        """
        secrets = Secrets(_secrets_of(call))
        try:
            return self._carry_out(call, scope, secrets)
        finally:
            secrets.forget()

    def _carry_out(
        self, call: IncomingCall, scope: CallScope, secrets: Secrets
    ) -> Answer:
        if scope.cancel_requested:
            raise Failure(
                _failures.CANCELLED, "the call was cancelled before it began"
            )
        operation = call.metadata.get("operation")
        if operation == "execute":
            return self._execute(call, scope, secrets)
        if operation == "describe":
            return self._describe()
        if operation == "estimate":
            return self._estimate(call)
        if operation == "cache_key":
            return self._cache_key(call, scope)
        raise Failure(
            _failures.UNKNOWN,
            f"there is no operation {operation!r:.80}",
            hint="this worker knows describe, execute, estimate and "
            "cache_key",
        )

    def _describe(self) -> Answer:
        # Imported here because most workers are never asked.
        from pipeline._describe import (
            SpecificationError,
            describe,
            estimates,
            makes_cache_keys,
        )

        try:
            described = describe(self._plugin.get_node_types())
            for node in described:
                name = node["node_type"]
                node["estimates"] = estimates(self._plugin, name)
                node["cache_keys"] = makes_cache_keys(self._plugin, name)
        except SpecificationError as error:
            raise Failure(
                _failures.LOAD,
                f"the node specifications aren't valid\n{error}",
            ) from None
        except BaseException as error:
            raise Failure.of(_failures.LOAD, error) from None
        try:
            return pack_outputs({"node_types": described}, {})
        except ValueError as error:
            raise Failure(
                _failures.LOAD, f"the node specifications: {error}"
            ) from None

    def _execute(
        self, call: IncomingCall, scope: CallScope, secrets: Secrets
    ) -> Answer:
        node = self._node(call)
        self._check_patterns(call.metadata)
        inputs = call.inputs()
        node.inputs = inputs
        _validate(node, inputs)
        key = _own_cache_key(node, inputs, scope)
        context = self._context(call, scope, secrets)
        fallback = False
        try:
            outputs: Any = node.execute(inputs, context)
        except BaseException as error:
            if scope.noticed or (
                isinstance(error, Cancelled) and scope.cancel_requested
            ):
                raise Failure.of(_failures.CANCELLED, error) from None
            outputs = _fallback(node, error, context)
            if outputs is None:
                raise Failure.of(_failures.ERROR, error) from None
            fallback = True
        if scope.noticed:
            raise Failure(_failures.CANCELLED, "the node stopped early")
        node.outputs = outputs
        metadata: Dict[str, Any] = {"fallback": fallback, "cache_key": key}
        if scope.tests is not None:
            from pipeline._test_report import attached

            metadata = attached(metadata, scope.tests)
        several = self._several.get(call.metadata["node_type"], ())
        return pack_outputs(metadata, outputs, several)

    def _cache_key(self, call: IncomingCall, scope: CallScope) -> Answer:
        node = self._node(call)
        self._check_patterns(call.metadata)
        inputs = call.inputs()
        node.inputs = inputs
        key = _own_cache_key(node, inputs, scope)
        return pack_outputs({"cache_key": key}, {})

    def _estimate(self, call: IncomingCall) -> Answer:
        from pipeline._describe import resource_values

        node = self._node(call)
        self._check_patterns(call.metadata)
        inputs = call.inputs()
        try:
            resources: Any = node.estimate_resources(inputs)
        except BaseException as error:
            raise Failure.of(_failures.ERROR, error) from None
        if resources is None:
            return pack_outputs({"resources": None}, {})
        try:
            return pack_outputs({"resources": resource_values(resources)}, {})
        except ValueError as error:
            raise Failure(
                _failures.OUTPUT, f"estimate_resources: {error}"
            ) from None

    def _node(self, call: IncomingCall) -> BaseNode:
        node_type = call.metadata.get("node_type")
        parameters = call.metadata.get("parameters")
        if not isinstance(node_type, str) or not isinstance(parameters, dict):
            raise Failure(
                _failures.UNKNOWN, "the call names no node type or parameters"
            )
        try:
            node: Any = self._plugin.create_node(node_type, parameters)
        except BaseException as error:
            if not self._knows(node_type):
                raise Failure.of(_failures.UNKNOWN, error) from None
            raise Failure.of(_failures.ERROR, error) from None
        if not isinstance(node, BaseNode):
            raise Failure(
                _failures.ERROR,
                f"create_node({node_type!r}, …) returned "
                f"{type(node).__name__}, not a BaseNode",
            )
        if not getattr(node, "node_id", ""):
            node.node_id = _text(call.metadata, "node")
        return node

    def _check_patterns(self, metadata: Dict[str, Any]) -> None:
        if self._patterns is None:
            try:
                node_types = self._plugin.get_node_types()
                self._patterns = Patterns(node_types)
                self._several = {
                    node.node_type: {
                        port.name for port in node.outputs if port.multiple
                    }
                    for node in node_types
                }
            except BaseException as error:
                raise Failure.of(_failures.LOAD, error) from None
        complaint = self._patterns.complaint(
            metadata["node_type"], metadata["parameters"]
        )
        if complaint:
            raise Failure(
                _failures.INPUT, complaint, hint="change it under 'with:'"
            )

    def _knows(self, node_type: str) -> bool:
        """Whether the plugin says that it has the node type."""
        try:
            return any(
                specification.node_type == node_type
                for specification in self._plugin.get_node_types()
            )
        except Exception:
            return True

    def _context(
        self, call: IncomingCall, scope: CallScope, secrets: Secrets
    ) -> ExecutionContext:
        attempt = call.metadata.get("attempt")
        left = call.metadata.get("deadline_ms")
        return ExecutionContext(
            run_id=_text(call.metadata, "run"),
            node_id=_text(call.metadata, "node"),
            attempt=attempt if isinstance(attempt, int) else 1,
            deadline=time.monotonic() + left / 1000
            if isinstance(left, (int, float))
            else None,
            workspace=self._workspace,
            scratch=self._scratch,
            channel=scope,
            secrets=secrets,
        )


def _text(metadata: Dict[str, Any], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""


def _secrets_of(call: IncomingCall) -> Optional[Dict[str, str]]:
    """Takes the secrets out of the call, which outlives its answer.

    :raises Failure: when they aren't texts by their names; it shows none
    """
    secrets = call.metadata.pop("secrets", None)
    if secrets is None:
        return None
    if not isinstance(secrets, dict) or not all(
        isinstance(text, str) for text in secrets.values()
    ):
        raise Failure(
            _failures.UNKNOWN, "the call's secrets aren't texts by their names"
        )
    return secrets


def _validate(node: BaseNode, inputs: Dict[str, Any]) -> None:
    try:
        accepted = node.validate_inputs(inputs)
    except BaseException as error:
        raise Failure.of(_failures.INPUT, error) from None
    if not accepted:
        given = ", ".join(
            f"{name} ({type(value).__name__})"
            for name, value in inputs.items()
        )
        raise Failure(
            _failures.INPUT,
            f"{type(node).__name__}.validate_inputs refused the inputs: "
            f"{given or 'there are none'}",
        )


def _own_cache_key(
    node: BaseNode, inputs: Dict[str, Any], scope: CallScope
) -> Optional[str]:
    """The key of a plugin that makes its own; None for every other."""
    if type(node).cache_key is BaseNode.cache_key:
        return None
    try:
        key: Any = node.cache_key(inputs)
    except Exception as error:
        scope.log("warning", f"cache_key failed: {_failures.text_of(error)}")
        return None
    if not isinstance(key, str) or len(key) > 1024:
        scope.log("warning", "cache_key returned no text of reasonable length")
        return None
    return key


def _fallback(
    node: BaseNode, error: BaseException, context: ExecutionContext
) -> Any:
    """What `on_error` offers; None where it offers nothing or fails too."""
    if not isinstance(error, Exception):
        return None
    try:
        return node.on_error(error, context)
    except BaseException as second:
        context.log(
            f"on_error failed too:\n{_failures.traceback_of(second)}", "error"
        )
        return None
