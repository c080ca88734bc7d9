"""Shell commands as the steps of a pipeline."""

from __future__ import annotations

import errno
import os
import re
from typing import Any, Dict, List, Tuple

import command_artifacts
import command_process
from command_failures import CommandError, failed
from command_junit import Results
from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
)

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# As continuous integration runs them: the first failure ends the command.
SHELLS = {
    "sh": ["/bin/sh", "-e", "-c", "--"],
    "bash": ["/bin/bash", "-e", "-o", "pipefail", "-c", "--"],
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class RunNode(DeclaredNode):
    """Runs a shell command."""

    specification = NodeSpecification(
        node_type="run",
        display_name="Run Command",
        category="Command",
        description="Runs a shell command in the workspace",
        icon="⌨️",
        color="#57606a",
        outputs=[
            PortSpecification(
                "artifacts",
                "file",
                "Artifacts",
                "The files that 'artifacts' matches, in the order of 'paths'",
                multiple=True,
            ),
            PortSpecification(
                "paths",
                "list<string>",
                "Paths",
                "Where the artifacts lay, relative to the workspace, sorted",
            ),
        ],
        parameters=[
            ParameterSpecification(
                "command",
                "string",
                "Command",
                "The shell's text, as it is: give it values through "
                "'environment'",
                "",
            ),
            ParameterSpecification(
                "shell",
                "string",
                "Shell",
                "sh -e, or bash -e -o pipefail",
                "sh",
                {"enum": ["sh", "bash"]},
                "select",
            ),
            ParameterSpecification(
                "directory",
                "string",
                "Directory",
                "Where to run it, relative to the workspace",
                ".",
            ),
            ParameterSpecification(
                "environment",
                "mapping",
                "Environment",
                "Texts by the names of the variables",
                {},
            ),
            ParameterSpecification(
                "artifacts",
                "list",
                "Artifacts",
                "Patterns of files to keep, relative to the workspace, such "
                "as dist/**; each must match one",
                [],
            ),
            ParameterSpecification(
                "junit",
                "list",
                "Test Reports",
                "Patterns of JUnit XML files, relative to the workspace; each "
                "must match one",
                [],
            ),
        ],
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        if context.workspace is None:
            raise CommandError(
                "the plugin has no workspace",
                "run with --grant 'command=filesystem.write'",
            )
        workspace = str(context.workspace)
        artifacts = command_artifacts.patterns(
            self.parameters["artifacts"], "artifacts"
        )
        reports = command_artifacts.patterns(self.parameters["junit"], "junit")
        variables = self._variables(workspace, context)
        status = self._run(workspace, variables, context)
        context.raise_if_cancelled()
        if reports:
            try:
                _report(workspace, reports, context)
            except CommandError as error:
                if status == 0:
                    raise
                context.log(str(error), "warning")
        if status != 0:
            raise failed(status, variables["PATH"])
        found = command_artifacts.find(
            workspace, artifacts, context.raise_if_cancelled
        )
        _check_all_matched(found, "artifacts")
        files = command_artifacts.read(
            workspace, found.paths, context.raise_if_cancelled
        )
        return {"artifacts": files, "paths": found.paths}

    def _run(
        self,
        workspace: str,
        variables: Dict[str, str],
        context: ExecutionContext,
    ) -> int:
        """Runs the command to its end; its exit status."""
        command = _text(self.parameters, "command")
        if not command.strip():
            raise CommandError(
                "there is no command", "write one: run: make test"
            )
        shell = SHELLS.get(_text(self.parameters, "shell"))
        if shell is None:
            raise CommandError(
                f"there is no shell '{self.parameters['shell']}'",
                f"use one of {', '.join(SHELLS)}",
            )
        directory = _directory(
            workspace, _text(self.parameters, "directory")
        )
        try:
            return command_process.run(
                [*shell, command], directory, variables, context.on_cancel
            )
        except OSError as error:
            raise _not_started(shell[0], error) from error

    def _variables(
        self, workspace: str, context: ExecutionContext
    ) -> Dict[str, str]:
        """The whole environment of the command."""
        given = self.parameters["environment"]
        if not isinstance(given, dict):
            raise CommandError(
                f"'env' is {type(given).__name__}, not "
                "a mapping",
                "write env: {NAME: TEXT}",
            )
        given = {name: _written(value) for name, value in given.items()}
        for name, value in [*given.items(), *context.secrets.items()]:
            _check_variable(name, value)
        twice = sorted(set(given) & set(context.secrets))
        if twice:
            raise CommandError(
                f"'{twice[0]}' is a variable and a secret",
                "rename one of the two",
            )
        scratch = str(context.scratch)
        return {
            "PATH": PATH,
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
            "CI": "true",
            "ORCHESTRATOR_RUN": context.run_id,
            "ORCHESTRATOR_NODE": context.node_id,
            "ORCHESTRATOR_ATTEMPT": str(context.attempt),
            "ORCHESTRATOR_WORKSPACE": workspace,
            **given,
            **context.secrets,
        }


class CommandPlugin(DeclaredPlugin):
    """The plugin `command`."""

    nodes = (RunNode,)


def _report(
    workspace: str,
    reports: List[command_artifacts.Pattern],
    context: ExecutionContext,
) -> None:
    """Hands over the tests of the reports.

    What could be read is handed over in any case.

    :raises CommandError: when a pattern matches no file, or one is no report
    """
    found = command_artifacts.find(
        workspace, reports, context.raise_if_cancelled
    )
    results = Results()
    try:
        for path in found.paths:
            descriptor = command_artifacts.open_file(workspace, path)
            with os.fdopen(descriptor, "rb") as file:
                results.read(file, path, context.raise_if_cancelled)
    finally:
        if found.paths:
            context.report_tests(results.suites, results.omitted)
    _check_all_matched(found, "junit")


def _check_all_matched(found: command_artifacts.Found, parameter: str) -> None:
    if found.unmatched:
        raise CommandError(
            f"the pattern '{found.unmatched[0]}' of '{parameter}' matches no "
            "file",
            "patterns are relative to the workspace and match regular files; "
            "all files of a directory are DIRECTORY/**, and the dot of a "
            "hidden one must be written",
        )


def _directory(workspace: str, given: str) -> str:
    parts = given.split("/")
    if given.startswith("/") or ".." in parts:
        raise CommandError(
            f"'{given}' isn't a directory within the workspace",
            "write 'working-directory' relative to it, without '..'",
        )
    directory = os.path.join(workspace, given)
    if not os.path.isdir(directory):
        raise CommandError(
            f"there is no directory '{given}' in the workspace",
            "make it in the command, or in a node before",
        )
    return directory


def _written(value: Any) -> Any:
    """A number, or true or false, as a workflow writes it; nothing for null,
    as GitHub Actions and a shell's own unset variables have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, (int, float)) else value


def _check_variable(name: Any, value: Any) -> None:
    """Shows the name, never the value: it may be a secret's."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CommandError(
            f"{name!r:.80} can't name a variable",
            "names are letters, digits and '_', and begin with no digit",
        )
    if not isinstance(value, str):
        raise CommandError(
            f"the variable '{name}' is a "
            f"{'list' if isinstance(value, list) else 'mapping'}, not text",
            "write json(…) around what yields it",
        )
    if not _is_passable(value):
        raise CommandError(
            f"the variable '{name}' can't be passed to a program",
            "remove what isn't text of it, such as a NUL",
        )


def _text(parameters: Dict[str, Any], name: str) -> str:
    value = parameters[name]
    if not isinstance(value, str):
        raise CommandError(
            f"the parameter '{name}' is {type(value).__name__}, not text",
            "put it into quotes",
        )
    if not _is_passable(value):
        raise CommandError(
            f"the parameter '{name}' holds a NUL, or what is no character",
            "remove it",
        )
    return value


def _is_passable(text: str) -> bool:
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _not_started(shell: str, error: OSError) -> CommandError:
    hints: Dict[int, Tuple[str, str]] = {
        errno.E2BIG: (
            "it is too long, or its environment is",
            "put it into a script of the workspace and run that; Linux takes "
            "128 KiB for one text",
        ),
        errno.ENOENT: (
            f"there is no {shell} in the sandbox",
            "set 'shell' to the other one, or install it on the host",
        ),
    }
    why, hint = hints.get(
        error.errno or 0,
        (
            str(error.strerror).lower(),
            f"run with --grant command=system.exec, which lets {shell} and "
            "other programs be started",
        ),
    )
    return CommandError(f"the command can't be started: {why}", hint)
