"""A supervisor written from the protocol's page, sharing no code with the SDK.

It starts the real worker program in a process and speaks frames to it.
"""

from __future__ import annotations

import array
import fcntl
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

SDK = Path(__file__).resolve().parent.parent

(
    HELLO,
    INITIALIZE,
    READY,
    CALL,
    ACK,
    RESULT,
    ERROR,
    PROGRESS,
    LOG,
    CANCEL,
    SHUTDOWN,
) = range(1, 12)
JSON, BYTES, NUMPY, FILE, ARROW = range(5)
SINGLE = 0xFFFFFFFF
ALL_SEALS = 0xF


class Frame:
    """What the worker sent."""

    def __init__(
        self, kind: int, call: int, body: bytes, descriptors: List[int]
    ) -> None:
        self.kind = kind
        self.call = call
        self.body = body
        self.descriptors = descriptors

    @property
    def object(self) -> Dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    def values(self) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """The metadata, and (codec, label, content, storage) by name; a list
        of them where they have positions."""
        body = self.body
        (length,) = struct.unpack_from("<I", body)
        metadata = json.loads(body[4 : 4 + length])
        at = 4 + length
        (count,) = struct.unpack_from("<I", body, at)
        at += 4
        entries = []
        for _ in range(count):
            codec, storage, n, m, z, position, z2, size = struct.unpack_from(
                "<BBHHHIIQ", body, at
            )
            assert z == 0 and z2 == 0
            at += 24
            name = body[at : at + n].decode()
            label = body[at + n : at + n + m].decode()
            at += n + m
            entries.append((codec, storage, name, label, size, position))
        values: Dict[str, Any] = {}
        descriptors = list(self.descriptors)
        for codec, storage, name, label, size, position in entries:
            if storage == 0:
                content = body[at : at + size]
                at += size
            else:
                fd = descriptors.pop(0)
                seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
                assert seals & ALL_SEALS == ALL_SEALS
                assert os.fstat(fd).st_size == size
                with mmap.mmap(
                    fd, size, mmap.MAP_PRIVATE, mmap.PROT_READ
                ) as view:
                    content = view[:]
                os.close(fd)
            value = (codec, label, content, storage)
            if position == SINGLE:
                assert name not in values
                values[name] = value
            else:
                assert position == len(values.setdefault(name, []))
                values[name].append(value)
        assert at == len(body) and not descriptors
        return metadata, values


def frame(
    kind: int,
    call: int = 0,
    body: bytes = b"",
    descriptors: int = 0,
    flags: int = 0,
) -> bytes:
    return (
        struct.pack("<IBBHQ", len(body), kind, flags, descriptors, call) + body
    )


def memfd(content: bytes, seals: int = ALL_SEALS) -> int:
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


class Value:
    """A value to send: inline, or in a descriptor where one is given."""

    def __init__(
        self,
        name: str,
        codec: int,
        content: bytes,
        label: str = "",
        position: int = SINGLE,
        fd: Optional[int] = None,
        length: Optional[int] = None,
    ) -> None:
        self.name = name
        self.codec = codec
        self.content = content
        self.label = label
        self.position = position
        self.fd = fd
        self.length = len(content) if length is None else length


def json_value(name: str, value: Any, position: int = SINGLE) -> Value:
    return Value(name, JSON, json.dumps(value).encode(), position=position)


def values_body(metadata: Any, values: List[Value]) -> bytes:
    encoded = json.dumps(metadata).encode()
    body = struct.pack("<I", len(encoded)) + encoded
    body += struct.pack("<I", len(values))
    for value in values:
        name, label = value.name.encode(), value.label.encode()
        body += struct.pack(
            "<BBHHHIIQ",
            value.codec,
            0 if value.fd is None else 1,
            len(name),
            len(label),
            0,
            value.position,
            0,
            value.length,
        )
        body += name + label
    return body + b"".join(v.content for v in values if v.fd is None)


class Supervisor:
    """A worker process and this end of its socket."""

    def __init__(self, python: str = sys.executable) -> None:
        ours, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_STREAM
        )
        self.socket = ours
        self.socket.settimeout(20)
        # The worker finds its socket at descriptor 3.
        launcher = (
            "import os, sys; fd = int(sys.argv[1]); "
            "os.set_inheritable(fd, fd == 3); "
            "fd == 3 or os.dup2(fd, 3); "
            "os.execv(sys.argv[2], sys.argv[2:])"
        )
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                launcher,
                str(theirs.fileno()),
                python,
                "-I",
                "-B",
                "-X",
                "utf8",
                str(SDK / "pipeline_worker.py"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._buffer = b""
        self._descriptors: List[int] = []
        self._calls = 0
        self.workspace: Optional[str] = None
        self.permissions: List[str] = []
        self.config: Dict[str, Any] = {}
        self.debug: Optional[bool] = None

    def close(self) -> None:
        self.socket.close()
        self.process.kill()
        self.process.communicate()
        for fd in self._descriptors:
            os.close(fd)

    # Sending.

    def send(self, data: bytes, descriptors: Tuple[int, ...] = ()) -> None:
        rights = array.array("i", descriptors)
        ancillary = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            if descriptors
            else []
        )
        sent = self.socket.sendmsg([data], ancillary)
        if data[sent:]:
            self.socket.sendall(data[sent:])

    def send_call(
        self, metadata: Dict[str, Any], values: Optional[List[Value]] = None
    ) -> int:
        self._calls += 1
        values = values or []
        descriptors = tuple(v.fd for v in values if v.fd is not None)
        self.send(
            frame(
                CALL,
                self._calls,
                values_body(metadata, values),
                len(descriptors),
            ),
            descriptors,
        )
        for fd in descriptors:
            os.close(fd)
        return self._calls

    def send_execute(
        self,
        node_type: str,
        parameters: Optional[Dict[str, Any]] = None,
        values: Optional[List[Value]] = None,
        **metadata: Any,
    ) -> int:
        fields = {
            "operation": "execute",
            "run": "run-1",
            "node": "n1",
            "node_type": node_type,
            "parameters": parameters or {},
            "attempt": 1,
            "deadline_ms": None,
        }
        fields.update(metadata)
        return self.send_call(fields, values)

    # Receiving.

    def receive(self) -> Optional[Frame]:
        while len(self._buffer) < 16:
            if not self._read():
                assert not self._buffer
                return None
        length, kind, flags, count, call = struct.unpack_from(
            "<IBBHQ", self._buffer
        )
        assert flags == 0
        while len(self._buffer) < 16 + length:
            assert self._read(), "the worker's stream ends within a frame"
        body = self._buffer[16 : 16 + length]
        self._buffer = self._buffer[16 + length :]
        taken = self._descriptors[:count]
        assert len(taken) == count
        self._descriptors = self._descriptors[count:]
        return Frame(kind, call, body, taken)

    def _read(self) -> bool:
        data, ancillary, flags, _ = self.socket.recvmsg(
            1 << 20, socket.CMSG_SPACE(64 * 4), socket.MSG_CMSG_CLOEXEC
        )
        assert not flags & socket.MSG_CTRUNC
        for _, _, payload in ancillary:
            fds = array.array("i")
            fds.frombytes(payload)
            self._descriptors.extend(fds)
        self._buffer += data
        return bool(data)

    def start_quietly(self, directory: Path) -> None:
        """Starts a plugin and skips what it logs meanwhile."""
        self.expect(HELLO)
        self.initialize(directory)
        got = self.receive()
        while got is not None and got.kind == LOG:
            got = self.receive()
        assert got is not None and got.kind == READY

    def expect(self, kind: int, call: int = 0) -> Frame:
        got = self.receive()
        assert got is not None, self.ending()
        assert (got.kind, got.call) == (kind, call), got.body
        return got

    def answer(self, call: int) -> Tuple[Frame, List[Frame]]:
        """The call's result or error, and what came before it."""
        self.expect(ACK, call)
        before = []
        while True:
            got = self.receive()
            assert got is not None, self.ending()
            if got.kind in (RESULT, ERROR):
                assert got.call == call
                return got, before
            before.append(got)

    def outputs(self, call: int) -> Dict[str, Any]:
        """The decoded JSON outputs of a call that must succeed."""
        got, _ = self.answer(call)
        assert got.kind == RESULT, got.object
        return {
            name: json.loads(content) if codec == JSON else content
            for name, (codec, _, content, _) in got.values()[1].items()
        }

    def error(self, call: int) -> Dict[str, Any]:
        got, _ = self.answer(call)
        assert got.kind == ERROR, got.body
        return got.object

    # The plugin's life.

    def initialize(self, directory: Path, **manifest: Any) -> None:
        fields: Dict[str, Any] = {
            "name": "probe",
            "version": "1.0.0",
            "author": "Somebody",
            "description": None,
            "license": None,
            "dependencies": [],
            "node_types": [],
            "permissions": [],
            "entry_point": "plugin.py",
            "min_engine_version": None,
            "max_engine_version": None,
            "configuration": None,
        }
        fields.update(manifest)
        message = {
            "protocol": 1,
            "engine_version": "1.0.0",
            "plugin_directory": str(directory),
            "manifest": fields,
            "config": self.config,
            "available_resources": {
                "available_cpu": 2.0,
                "available_memory": 1024,
            },
            "permissions": self.permissions,
            "workspace": self.workspace,
            "scratch": "/tmp",
        }
        if self.debug is not None:
            message["debug"] = self.debug
        self.send(frame(INITIALIZE, 0, json.dumps(message).encode()))

    def start(self, directory: Path, **manifest: Any) -> None:
        self.expect(HELLO)
        self.initialize(directory, **manifest)
        got = self.receive()
        assert got is not None, self.ending()
        assert got.kind == READY, got.body
        assert got.object == {}

    def ending(self) -> Tuple[int, str, str]:
        """The worker's exit status and what it printed."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out.decode(), err.decode()

    def shut_down(self) -> Tuple[int, str, str]:
        self.send(frame(SHUTDOWN))
        assert self.receive() is None
        return self.ending()


Launch = Callable[..., Supervisor]

PROBE = """
from pipeline import (
    BaseNode, BasePlugin, File, NodeSpecification, PluginContext,
    ResourceRequirement,
)

class Probe(BasePlugin):
    def initialize(self, context):
        self.context = context
    def shutdown(self):
        print("bye")
    def get_node_types(self):
        return [NodeSpecification("probe", "Probe", "Test", "A probe")]
    def create_node(self, node_type, parameters):
        if node_type != "probe":
            raise ValueError("Unknown node type: " + node_type)
        node = ProbeNode(parameters)
        node.plugin = self
        return node

class ProbeNode(BaseNode):
    def validate_inputs(self, inputs):
        return True
    def estimate_resources(self, inputs):
        return ResourceRequirement(cpu_cores=1.5, memory_mb=256)
    def execute(self, inputs, context):
{execute}
"""


def write_probe(directory: Path, execute: str, more: str = "") -> Path:
    """A plugin whose one node does what `execute` says."""
    directory.mkdir(parents=True, exist_ok=True)
    body = textwrap.indent(textwrap.dedent(execute).strip(), " " * 8)
    source = PROBE.replace("{execute}", body) + textwrap.dedent(more)
    (directory / "plugin.py").write_text(source)
    return directory
