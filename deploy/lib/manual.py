"""Manual pages, one for each command, of what the program says of itself.

    orchestrator --experimental-dump-help | manual.py DIRECTORY --date 2026-01-31 --version 1.0.0
"""

import argparse
import datetime
import json
import os
import re
import sys

PROGRAM = "orchestrator"
EXIT_STATUS = [
    ("0", "everything succeeded"), ("1", "a node failed"), ("2", "the input is invalid, or what happened can't be written down"),
    ("3", "the sandbox can't be had here; orchestrator doctor says why"), ("124", "the deadline of the run passed"), ("130", "interrupted")]
FILES = [
    ("/etc/orchestrator/plugin_system.yaml", "what the operator decides: directories, permissions, limits"),
    ("/etc/orchestrator/profiles", "the operator's own security profiles"),
    ("/var/lib/orchestrator, ~/.local/state/orchestrator", "runs, grants, installed plugins and the cache, of root and of others")]
ENVIRONMENT = [
    ("ORCHESTRATOR_PLUGINS__…", "in place of a key of plugin_system.yaml; orchestrator config show names them"),
    ("XDG_STATE_HOME, HOME", "where a user's state lies"), ("NO_COLOR", "no colours")]


def text(words):
    """Words that roff takes as they are: nothing in them is a request, an escape or a dash of typography."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def quoted(words):
    return '"' + words.replace('"', '\\(dq') + '"'


def paragraphs(words):
    """Lines that are indented stay as they are; others are filled."""
    lines, filled = [], True
    for line in words.splitlines():
        if line.startswith(" ") and filled:
            lines += [".PP", ".nf", ".RS 4"]
            filled = False
        elif not line.startswith(" ") and not filled:
            lines += [".RE", ".fi"]
            filled = True
        if line.strip():
            lines.append(text(line.strip() if filled else line[2:]))
        elif lines and lines[-1] != ".PP":
            lines.append(".PP")
    if not filled:
        lines += [".RE", ".fi"]
    while lines and lines[-1] == ".PP":
        lines.pop()
    # A paragraph before lines that stay as they are has been begun by the line between them.
    return [line for number, line in enumerate(lines) if line != ".PP" or lines[number - 1:number] != [".PP"]]


def value(argument):
    return f"\\fI{text(argument.get('valueName', 'value'))}\\fR"


def spelling(argument, name):
    written = ("--" if name["kind"] == "long" else "-") + name["name"]
    joined = f"\\fB{text(written)}\\fR"
    return joined if argument["kind"] == "flag" else f"{joined} {value(argument)}"


def shown(command):
    return [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)]


def synopsis(path, command):
    words = [f"\\fB{text(' '.join(path))}\\fR"]
    options = [one for one in shown(command) if one["kind"] != "positional"]
    if options:
        words.append("[\\fIoptions\\fR]")
    if command.get("subcommands"):
        words.append("\\fIcommand\\fR")
    for one in shown(command):
        if one["kind"] == "positional":
            word = value(one) + (" …" if one.get("isRepeating") else "")
            words.append(f"[{word}]" if one.get("isOptional") else word)
    return " ".join(words)


def described(argument):
    words = [one for one in [argument.get("abstract"), argument.get("discussion")] if one]
    if argument.get("allValues") and argument["kind"] == "option":
        words.append("One of: " + ", ".join(argument["allValues"]) + ".")
    if argument.get("defaultValue") and argument["kind"] != "flag":
        words.append(f"Default: {argument['defaultValue']}.")
    return [text(line.strip()) for one in words for line in one.splitlines() if line.strip()]


def page(path, command, date, version):
    title = "-".join(path)
    lines = [
        f".TH {quoted(text(title.upper()))} 1 {quoted(date)} {quoted(text(f'{PROGRAM} {version}'))} {quoted('User Commands')}",
        ".SH NAME", f"{text(title)} \\- {text(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS", synopsis(path, command)]
    if command.get("discussion"):
        lines += [".SH DESCRIPTION"] + paragraphs(command["discussion"])
    subcommands = [one for one in command.get("subcommands", []) if one.get("shouldDisplay", True) and one["commandName"] != "help"]
    if subcommands:
        lines.append(".SH COMMANDS")
        for one in subcommands:
            lines += [".TP", f"\\fB{text('-'.join(path + [one['commandName']]))}\\fR(1)", text(one.get("abstract", ""))]
    positional = [one for one in shown(command) if one["kind"] == "positional"]
    if positional:
        lines.append(".SH ARGUMENTS")
        for one in positional:
            lines += [".TP", value(one)] + (described(one) or [text(one["valueName"])])
    options = [one for one in shown(command) if one["kind"] != "positional"]
    if options:
        lines.append(".SH OPTIONS")
        for one in options:
            lines += [".TP", ", ".join(spelling(one, name) for name in one["names"])] + (described(one) or ["\\&"])
    if len(path) == 1:
        for heading, rows in [("EXIT STATUS", EXIT_STATUS), ("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)]:
            lines.append(f".SH {quoted(heading)}")
            for name, meaning in rows:
                lines += [".TP", f"\\fB{text(name)}\\fR", text(meaning)]
    others = [f"\\fB{text('-'.join(path[:-1]))}\\fR(1)"] if len(path) > 1 else []
    if others:
        lines += [".SH SEE ALSO"] + others
    return "\n".join(lines) + "\n"


def pages(path, command, date, version):
    path = path + [command["commandName"]]
    yield "-".join(path), page(path, command, date, version)
    for one in command.get("subcommands", []):
        if one.get("shouldDisplay", True) and one["commandName"] != "help":
            yield from pages(path, one, date, version)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    parser.add_argument("--version", required=True)
    chosen = parser.parse_args()
    os.makedirs(chosen.directory, exist_ok=True)
    for name, content in pages([], json.load(sys.stdin)["command"], chosen.date, chosen.version):
        with open(f"{chosen.directory}/{name}.1", "w", encoding="utf-8") as file:
            file.write(content)


main()
