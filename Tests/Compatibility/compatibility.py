"""What of CPython's own test suite passes outside a sandbox and doesn't inside.

    python3 compatibility.py --orchestrator PROGRAM [--quick] [--profile NAME]...
        [--modules NAME,...] [--jobs N] [--write]

Every module of the suite is run outside, by a user without rights, and inside, one
sandbox a module, under each profile in `profiles/`. A test that passes outside and
doesn't pass inside is a difference. The differences of a profile are listed in
`expected/PROFILE.txt`, each with the key of its reason in `reasons.txt`. A
difference that isn't listed fails, and one that is listed and isn't there fails
too. `--write` brings the lists up to date: what has no reason yet gets the key
`unexplained`, which fails until somebody has found out.

A line of a list: module, test, key of the reason, and `sometimes` where timing
decides. The test may be `NAME.*`, which says that no test beneath NAME that passes
outside passes inside, or `*`, which says so of the module.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROFILES = ROOT / "profiles"
EXPECTED = HERE / "expected"
PYTHON = "/usr/bin/python3.11"
# An id that no user of a Debian system has.
NOBODY_AT_ALL = 64321
UNEXPLAINED = "unexplained"
# Of what is wrong with one list.
SHOWN = 50


class Entry:
    """One line of a list."""

    def __init__(self, module, test, reason, sometimes=False):
        self.module = module
        self.test = test
        self.reason = reason
        self.sometimes = sometimes

    def covers(self, test):
        if self.test.endswith("*"):
            return test.startswith(self.test[:-1])
        return test == self.test

    def __str__(self):
        words = [self.module, self.test, self.reason]
        return " ".join(words + (["sometimes"] if self.sometimes else []))


def lines(path):
    """The lines of a file that say something."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in text if line.strip() and not line.startswith("#")]


def read_entries(path):
    entries = []
    for line in lines(path):
        words = line.split()
        if len(words) not in (3, 4) or words[3:] not in ([], ["sometimes"]):
            raise SystemExit(f"{path}: a line is MODULE TEST REASON [sometimes]: {line}")
        entries.append(Entry(*words[:3], sometimes=len(words) == 4))
    return entries


def read_reasons():
    reasons = {}
    for line in lines(HERE / "reasons.txt"):
        key, separator, sentence = line.partition(": ")
        if not separator or key in reasons:
            raise SystemExit(f"reasons.txt: a line is KEY: SENTENCE, each key once: {line}")
        reasons[key] = sentence
    return reasons


def all_modules():
    """The modules that `python -m test` runs, by its own account."""
    done = subprocess.run(
        [PYTHON, "-E", "-B", "-m", "test", "--list-tests"], stdout=subprocess.PIPE,
        check=True, text=True, cwd="/",
    )
    return sorted(done.stdout.split())


def run_outside(modules, seconds, jobs):
    """What each module does without a sandbox, as a user without rights."""
    identity = {}
    if os.geteuid() == 0:
        identity = {"user": NOBODY_AT_ALL, "group": NOBODY_AT_ALL, "extra_groups": []}
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="compatibility-") as place:
        os.chmod(place, 0o1777)
        script = Path(place) / "measure.py"
        script.write_bytes((HERE / "plugins/suite/measure.py").read_bytes())
        script.chmod(0o644)

        def run(module):
            done = subprocess.run(
                [PYTHON, "-B", str(script), module, str(seconds)], check=True,
                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd="/",
                env={"PATH": "/usr/bin:/bin", "TMPDIR": place, "LANG": "C.UTF-8"},
                **identity,
            )
            return module, json.loads(done.stdout)

        with ThreadPoolExecutor(jobs) as pool:
            return dict(pool.map(run, modules))


def run_inside(orchestrator, profile, modules, seconds, jobs):
    """The same, each module in a sandbox of its own."""
    # Modules of packages have dots in their names, and nodes have none.
    module_of = {module.replace(".", "-"): module for module in modules}
    nodes = {
        node: {
            "type": "suite/module",
            "with": {"module": module, "seconds": seconds},
            "timeout": f"{seconds + 30}s",
            "resources": {"cpu": 1, "memory": "1Gi"},
        }
        for node, module in module_of.items()
    }
    workflow = {
        "apiVersion": "orchestrator/v1",
        "kind": "Workflow",
        "metadata": {"name": "compatibility"},
        "spec": {
            "nodes": nodes,
            "outputs": {node: f"{node}.result" for node in nodes},
        },
    }
    with tempfile.TemporaryDirectory(prefix="compatibility-") as place:
        path = Path(place) / "workflow.json"
        path.write_text(json.dumps(workflow), encoding="utf-8")
        done = subprocess.run(
            [
                orchestrator, "run", str(path), "--plugins", str(HERE / "plugins"),
                "--grant", "suite=system.exec", "--profile", profile, "--python",
                PYTHON, "--state-dir", str(Path(place) / "state"), "--jobs", str(jobs),
                "--output", "json",
            ],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=place,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"orchestrator run ended with {done.returncode} and no report") from None
    measured = {
        module_of[node]: json.loads(zlib.decompress(base64.b64decode(output["value"])))
        for node, output in (report.get("outputs") or {}).items()
        if isinstance(output, dict) and "value" in output
    }
    for node in report["nodes"]:
        error = node.get("error") or {}
        measured.setdefault(
            module_of[node["node"]],
            {
                "passed": [], "others": {}, "tail": "",
                "end": ": ".join(
                    error[key] for key in ("class", "message", "cause") if error.get(key)
                ),
            },
        )
    return measured


def differences(outside, inside):
    """module → test → what was said inside, of those that pass outside only."""
    found = {}
    for module, before in outside.items():
        after = inside[module]
        passed = set(after["passed"])
        told = after["others"]
        ended = f"the module {after['end']}: {after['tail'].strip()[-200:]}"
        missing = {
            test: told.get(test, ended) for test in before["passed"] if test not in passed
        }
        if missing:
            found[module] = missing
    return found


def disagreements(entries, outside, inside, reasons):
    """What the list says and isn't so, and what is so and it doesn't say: texts, and
    the modules concerned."""
    found = differences(outside, inside)
    texts = []
    modules = set()
    of_module = {}
    for entry in entries:
        if entry.module in outside:
            of_module.setdefault(entry.module, []).append(entry)
        if entry.reason not in reasons:
            texts.append(f"{entry}: reasons.txt has no such reason")
    for module, own in sorted(of_module.items()):
        if not outside[module]["passed"]:
            end = outside[module]["end"]
            texts.append(f"{module}: nothing passes outside, it {end}: a busy host? --seconds gives it more time")
            modules.add(module)
            continue
        for entry in own:
            covered = [test for test in outside[module]["passed"] if entry.covers(test)]
            through = [t for t in covered if t not in found.get(module, {})]
            if entry.sometimes:
                continue
            if not covered:
                texts.append(f"{module} {entry.test}: listed, and passes nowhere outside")
                modules.add(module)
            elif through:
                texts.append(f"{module} {through[0]}: listed as {entry.test}, and passes inside")
                modules.add(module)
    for module, tests in sorted(found.items()):
        for test, said in sorted(tests.items()):
            if not any(entry.covers(test) for entry in of_module.get(module, [])):
                words = " ".join(said.split())[:160]
                texts.append(f"{module} {test}: passes outside, and inside not: {words}")
                modules.add(module)
    return texts, modules


def collapsed(found, outside, reason_of):
    """The entries that say what was found, in as few lines as are true."""
    entries = []
    for module, tests in sorted(found.items()):
        passed = outside[module]["passed"]
        if set(tests) == set(passed) and len(tests) > 1:
            reasons = {reason_of(module, test) for test in tests}
            if len(reasons) == 1:
                entries.append(Entry(module, "*", reasons.pop()))
                continue
        groups = {}
        for test in tests:
            groups.setdefault(test.rpartition(".")[0] + ".", []).append(test)
        for prefix, members in sorted(groups.items()):
            reasons = {reason_of(module, test) for test in members}
            whole = [test for test in passed if test.startswith(prefix)]
            if len(members) > 1 and len(reasons) == 1 and set(whole) == set(members):
                entries.append(Entry(module, prefix + "*", reasons.pop()))
            else:
                entries += [Entry(module, t, reason_of(module, t)) for t in sorted(members)]
    return entries


def write(path, entries, outside, found):
    """Brings a list up to date, keeping the reasons that it and its neighbours give."""
    others = [e for other in sorted(EXPECTED.glob("*.txt")) for e in read_entries(other)]

    def reason_of(module, test):
        for entry in entries + others:
            if entry.module == module and entry.covers(test) and entry.reason != UNEXPLAINED:
                return entry.reason
        return UNEXPLAINED

    kept = [e for e in entries if e.module not in outside or e.sometimes]
    unsettled = [e for e in kept if e.sometimes]
    steady = {
        module: {
            test: said for test, said in tests.items()
            if not any(e.module == module and e.covers(test) for e in unsettled)
        }
        for module, tests in found.items()
    }
    steady = {module: tests for module, tests in steady.items() if tests}
    kept += collapsed(steady, outside, reason_of)
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "# Passes outside a sandbox and not inside: compatibility.py says what a line means, reasons.txt what a reason is.\n"
        + "".join(f"{entry}\n" for entry in sorted(kept, key=str)),
        encoding="utf-8",
    )


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True)
    options.add_argument("--quick", action="store_true", help="the modules of quick.txt")
    options.add_argument("--profile", action="append", help="default: all of profiles/")
    options.add_argument("--modules", help="these, separated by commas")
    # Most of the suite waits most of the time.
    options.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    options.add_argument("--seconds", type=int, default=300, help="a module's time")
    options.add_argument("--write", action="store_true", help="bring the lists up to date")
    options.add_argument("--details", help="a file for all that was measured, as JSON")
    chosen = options.parse_args()
    quick = lines(HERE / "quick.txt")
    modules = quick if chosen.quick else sorted({*all_modules(), *quick})
    if chosen.modules:
        modules = chosen.modules.split(",")
    profiles = chosen.profile or sorted(path.stem for path in PROFILES.glob("*.yaml"))
    reasons = read_reasons()
    outside = run_outside(modules, chosen.seconds, chosen.jobs)
    total = sum(len(measured["passed"]) for measured in outside.values())
    print(f"outside: {total} tests of {len(modules)} modules pass")
    failed = False
    details = {"outside": outside}
    for profile in profiles:
        path = EXPECTED / f"{profile}.txt"
        entries = read_entries(path)

        def run_both(of):
            outside.update(run_outside(of, chosen.seconds, chosen.jobs))
            inside.update(
                run_inside(chosen.orchestrator, profile, of, chosen.seconds, chosen.jobs)
            )

        inside = run_inside(
            chosen.orchestrator, profile, modules, chosen.seconds, chosen.jobs
        )
        texts, again = disagreements(entries, outside, inside, reasons)
        if again and not chosen.write:
            # The suite has tests that depend on time: only what is so twice counts.
            run_both(sorted(again))
            texts, _ = disagreements(entries, outside, inside, reasons)
        found = differences(outside, inside)
        count = sum(len(tests) for tests in found.values())
        print(f"profile {profile}: {total - count} pass inside too, {count} don't")
        details[profile] = {"differences": found, "inside": dict(inside)}
        if chosen.write:
            write(path, entries, outside, found)
            texts = [
                f"{entry}: find out why" for entry in read_entries(path)
                if entry.reason not in reasons
            ]
        for text in texts[:SHOWN]:
            print(f"  {text}")
        if len(texts) > SHOWN:
            print(f"  and {len(texts) - SHOWN} more: --details FILE has them all")
        failed = failed or bool(texts)
    if chosen.details:
        Path(chosen.details).write_text(json.dumps(details, indent=1), encoding="utf-8")
    if failed:
        print(
            "The lists don't say what is so. Where that is right: find the reason, then\n"
            "  deploy/compatibility --write\nand give each new line its reason."
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
