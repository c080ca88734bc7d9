"""Gets the Python packages that a plugin depends on, in a sandbox of its own.

Drives uv or, where the host has none, pip. Packages are resolved to a lock
first, and then installed from it with their hashes. What comes back is
checked by the program: nothing that is said here is believed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

# Where the operator's wheels are shown.
WHEELS = "/environment"
# What is kept of a tool's words, in lines.
KEPT = 400
# What a tool says while it works, and somebody waits for.
_STEPS = re.compile(
    r"\s*(Resolved|Downloading|Downloaded|Prepared|Installed|Collecting|"
    r"Processing|"
    r"Building|Built)\b.*"
)


class ToolError(Exception):
    """The tool couldn't do it.

    :ivar hint: how to mend it, or None
    """

    shows_traceback = False

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Tool:
    """The program that knows about packages."""

    def __init__(
        self, parameters: Dict[str, Any], context: ExecutionContext
    ) -> None:
        """
        :param parameters: of the node
        :param context: of the call
        """
        self._context = context
        self.uv: str = parameters["uv"]
        self._wheels_only: bool = parameters["wheels_only"]
        self._has_wheels: bool = parameters["has_wheels"]
        self._index: str = parameters["index"]
        workspace = context.workspace
        assert workspace is not None
        self.place: Path = workspace
        # On the disk: what is unpacked may be larger than memory.
        self._cache = workspace / "cache"

    def run(self, arguments: List[str]) -> None:
        """Runs it to its end.

        :raises ToolError: when it fails
        """
        tool = [self.uv] if self.uv else [sys.executable, "-I", "-m"]
        command = [*tool, "pip", *arguments, *self._options()]
        said: List[str] = []
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            cwd=self.place,
            text=True,
            errors="backslashreplace",
        )
        self._context.on_cancel(process.kill)
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                line = line.rstrip()
                said.append(line)
                del said[:-KEPT]
                # uv resolves a lock as well: that is nothing new.
                is_known = "--require-hashes" in arguments and line.startswith(
                    "Resolved"
                )
                if _STEPS.fullmatch(line) and not is_known:
                    self._context.log(line.strip()[:200])
        self._context.raise_if_cancelled()
        if process.returncode != 0:
            raise self._failure(said)

    def _options(self) -> List[str]:
        options = ["--cache-dir", str(self._cache)]
        if self._wheels_only:
            options += ["--only-binary", ":all:"]
        if self._has_wheels:
            options += ["--find-links", WHEELS]
        if not self._index:
            options += ["--no-index"]
        if self.uv:
            options += ["--python", sys.executable]
            if self._index:
                options += ["--default-index", self._index]
            return options
        options += ["--no-input", "--progress-bar", "off"]
        options += ["--disable-pip-version-check"]
        if self._index:
            options += ["--index-url", self._index]
        if self._index.startswith("http://"):
            options += ["--trusted-host", self._index.split("/")[2]]
        return options

    def _environment(self) -> Dict[str, str]:
        environment = dict(os.environ)
        environment.update(
            PIP_CONFIG_FILE=os.devnull,
            UV_NO_CONFIG="1",
            UV_PYTHON_DOWNLOADS="never",
            UV_LINK_MODE="hardlink",
            UV_NO_PROGRESS="1",
            # Nothing is written there again.
            PYC_INVALIDATION_MODE="UNCHECKED_HASH",
            NO_COLOR="1",
            # Builds of packages, where they are allowed.
            TMPDIR=str(self._made("temporary")),
        )
        if self._index.startswith("https://"):
            # The host's own, which are shown with the network alone.
            environment.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
        return environment

    def _made(self, name: str) -> Path:
        path = self.place / name
        path.mkdir(exist_ok=True)
        return path

    def clean(self) -> None:
        """Leaves nothing but what was installed."""
        for name in ("cache", "temporary"):
            if (self.place / name).exists():
                shutil.rmtree(self.place / name)

    def _failure(self, said: List[str]) -> ToolError:
        if any(line.endswith("No module named pip") for line in said):
            return ToolError(
                "this host has neither uv nor pip for them",
                "install uv or, for the Python that runs plugins, pip "
                "(Debian: apt install python3-pip)",
            )
        cause, rest = told(said)
        return ToolError("\n".join([cause, *rest])[:4000])


def told(said: List[str]) -> Tuple[str, List[str]]:
    """The real cause among what uv or pip said, and what explains it.

    uv goes from what it was about to what stands behind it, so that its last
    cause counts; pip begins with the cause.
    """
    causes: List[str] = []
    errors: List[str] = []
    goes_on = False
    for line in said:
        text = line.strip()
        goes_on = goes_on and text != ""
        found = re.match(
            r"(?:cause|Caused by|╰─▶|├─▶)[: ]\s*(.*)", text
        )
        if found:
            causes.append(found[1])
            goes_on = True
        elif re.match(r"(error|×|ERROR)[: ]", text):
            errors.append(re.sub(r"^(error|×|ERROR)[: ]\s*", "", text))
        elif text.startswith("hint:"):
            errors.append(text)
        elif goes_on and line.startswith("  "):
            # uv of some versions breaks long lines.
            causes[-1] += " " + text
    if causes:
        return causes[-1][:1000], errors + causes[:-1]
    if errors:
        return errors[0][:1000], errors[1:]
    last = [line.strip() for line in said if line.strip()][-5:]
    return (last[-1] if last else "it said nothing"), last[:-1]


_COMMON = [
    ParameterSpecification("uv", "string", "uv", "Its place", ""),
    ParameterSpecification("index", "string", "Index", "Its address", ""),
    ParameterSpecification(
        "wheels_only", "boolean", "Wheels only", "Nothing is built", True
    ),
    ParameterSpecification(
        "has_wheels", "boolean", "Wheels", "The operator has some", False
    ),
]


def _specification(
    node_type: str,
    description: str,
    gets: PortSpecification,
    gives: PortSpecification,
    memory: int,
) -> NodeSpecification:
    return NodeSpecification(
        node_type=node_type,
        display_name=node_type.capitalize(),
        category="Packages",
        description=description,
        icon="📦",
        color="#5a6270",
        inputs=[gets],
        outputs=[gives],
        parameters=_COMMON,
        resource_requirements=ResourceRequirement(1, memory),
    )


class ResolveNode(DeclaredNode):
    """Turns ranges of versions into a lock."""

    specification = _specification(
        "resolve",
        "Chooses versions",
        PortSpecification(
            "requirements", "bytes", "Requirements", "One a line"
        ),
        PortSpecification("lock", "bytes", "Lock", "With all hashes"),
        memory=512,
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        tool = Tool(self.parameters, context)
        wanted = tool.place / "wanted.txt"
        wanted.write_bytes(bytes(inputs["requirements"]))
        try:
            if tool.uv:
                lock = self._resolve_by_uv(tool, wanted)
            else:
                lock = self._resolve_by_pip(tool, wanted)
        finally:
            wanted.unlink()
            tool.clean()
        return {"lock": lock.encode()}

    def _resolve_by_uv(self, tool: Tool, wanted: Path) -> str:
        lock = tool.place / "lock.txt"
        tool.run(
            [
                *("compile", str(wanted), "--output-file", str(lock)),
                *("--generate-hashes", "--no-header", "--no-annotate"),
            ]
        )
        text = lock.read_text(encoding="utf-8")
        lock.unlink()
        return text

    def _resolve_by_pip(self, tool: Tool, wanted: Path) -> str:
        report = tool.place / "report.json"
        tool.run(
            [
                *("install", "--dry-run", "--ignore-installed"),
                *("--report", str(report), "--requirement", str(wanted)),
            ]
        )
        try:
            found = json.loads(report.read_text(encoding="utf-8"))
        finally:
            report.unlink()
        lines = []
        for item in found["install"]:
            metadata, archive = item["metadata"], item["download_info"]
            hashes = archive.get("archive_info", {}).get("hashes", {})
            if "sha256" not in hashes:
                # pip 22.2 to 22.3.
                kind, _, value = (
                    archive.get("archive_info", {})
                    .get("hash", "")
                    .partition("=")
                )
                hashes = {kind: value}
            lines.append(
                f"{metadata['name']}=={metadata['version']} "
                f"--hash=sha256:{hashes['sha256']}"
            )
        return "\n".join(lines) + "\n"


class InstallNode(DeclaredNode):
    """Installs what a lock has."""

    specification = _specification(
        "install",
        "Installs what a lock has",
        PortSpecification("lock", "bytes", "Lock", "One a line"),
        PortSpecification("packages", "integer", "Packages", "How many"),
        memory=1024,
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        tool = Tool(self.parameters, context)
        lock = tool.place / "lock.txt"
        lock.write_bytes(bytes(inputs["lock"]))
        target = tool.place / "packages"
        target.mkdir()
        common = ["install", "--target", str(target), "--require-hashes"]
        common += ["--no-deps", "--requirement", str(lock)]
        try:
            if tool.uv:
                tool.run([*common, "--compile-bytecode"])
            else:
                tool.run([*common, "--upgrade"])
        finally:
            lock.unlink()
            tool.clean()
        # uv locks what it works on.
        (target / ".lock").unlink(missing_ok=True)
        return {"packages": len(list(target.glob("*.dist-info")))}


class EnvironmentsPlugin(DeclaredPlugin):
    """The program's own way to Python packages."""

    nodes = (ResolveNode, InstallNode)
