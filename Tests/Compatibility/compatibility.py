"""What of CPython's own test suite passes outside a sandbox and doesn't inside.

    python3 compatibility.py --orchestrator PROGRAM [--quick] [--profile NAME]...
        [--modules NAME,...] [--jobs N] [--write] [--measured FILE]

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

A list may begin with `inherits NAME`: the lines of `expected/NAME.txt` hold too. Its
own lines come first, and the reason `passes` says that a test passes here in spite of
what is inherited. `expected/without-programs.txt` is the list of no profile: those
inherit it whose ceiling has no `system.exec`, where a module isn't a program of its
own but a copy of the worker.
"""

import argparse
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from profiles import may_be_granted, shipped_profiles

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected"
PYTHON = "/usr/bin/python3.11"
SUITE = "/usr/lib/python3.11/test"
LONG = "test_asyncio"
# An id that no user of a Debian system has.
NOBODY_AT_ALL = 64321
UNEXPLAINED = "unexplained"
# Takes back what is inherited.
PASSES = "passes"
INHERITS = "inherits"
# The profiles between which the others lie: all that default lets through, and the least that there is.
QUICK = ("default", "strict")
# Of what is wrong with one list.
SHOWN = 50
# Modules of one run.
AT_ONCE = 100


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


class Expected:
    """A list: its own lines, and those that it inherits."""

    def __init__(self, path):
        self.path = path
        self.parent = None
        self.own = []
        for line in lines(path):
            words = line.split()
            if words[0] == INHERITS and len(words) == 2 and not self.own:
                self.parent = Expected(EXPECTED / f"{words[1]}.txt")
            elif len(words) in (3, 4) and words[3:] in ([], ["sometimes"]):
                self.own.append(Entry(*words[:3], sometimes=len(words) == 4))
            else:
                raise SystemExit(
                    f"{path}: a line is MODULE TEST REASON [sometimes], or first of all inherits NAME: {line}"
                )
        if self.parent and not self.parent.path.exists():
            raise SystemExit(f"{path} inherits {self.parent.path}, which isn't there")

    def inherited(self):
        return self.parent.all() if self.parent else []

    def depth(self):
        return self.parent.depth() + 1 if self.parent else 0

    def all(self):
        """In the order in which they count: the first that covers a test says why."""
        return self.own + self.inherited()


def first(entries, module, test):
    """The entry that counts for a test; None where there is none."""
    for entry in entries:
        if entry.module == module and entry.covers(test):
            return entry
    return None


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
    listed = set(done.stdout.split())
    # The modules of a package that takes longer than all others, each by itself.
    listed.discard(LONG)
    place = Path(SUITE) / LONG
    return sorted(listed | {f"{LONG}.{path.stem}" for path in place.glob("test_*.py")})


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
    programs = may_be_granted(orchestrator, profile, "system.exec")
    # Modules of packages have dots in their names, and nodes have none.
    module_of = {module.replace(".", "-"): module for module in modules}
    nodes = {
        node: {
            "type": "suite/module",
            "with": {"module": module, "seconds": seconds, "program": programs},
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
                *(["--grant", "suite=system.exec"] if programs else []),
                "--profile", profile, "--python", PYTHON,
                "--state-dir", str(Path(place) / "state"), "--jobs", str(jobs),
                "--output", "json",
            ],
            # Whatever isn't granted is warned of there.
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=place,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace")
        raise SystemExit(f"orchestrator run ended with {done.returncode} and no report:\n{said}") from None
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
    """What the list says and isn't so, and what is so and it doesn't say: texts by
    module and test."""
    found = differences(outside, inside)
    texts = {}
    for module, before in sorted(outside.items()):
        if not before["passed"]:
            # Nothing to compare; but what is listed was so once.
            if any(entry.module == module for entry in entries):
                texts[module, "*"] = (
                    f"{module}: nothing passes outside, it {before['end']}: a busy host? --seconds gives it more time"
                )
            continue
        own = [entry for entry in entries if entry.module == module]
        missing = found.get(module, {})
        for entry in own:
            if not entry.sometimes and not any(entry.covers(t) for t in before["passed"]):
                texts[module, entry.test] = f"{module} {entry.test}: listed, and passes nowhere outside"
        for test in before["passed"]:
            entry = first(own, module, test)
            if test in missing:
                if entry is None or entry.reason == PASSES:
                    words = " ".join(missing[test].split())[:160]
                    texts[module, test] = f"{module} {test}: passes outside, and inside not: {words}"
                elif entry.reason not in reasons:
                    texts[module, test] = f"{module} {test}: reasons.txt has no {entry.reason}"
            elif entry is not None and not entry.sometimes and entry.reason != PASSES:
                texts[module, test] = f"{module} {test}: listed as {entry.test}, and passes inside"
    return texts


def collapsed(module, tests, missing, passed, reason_of):
    """The entries that say so of the tests, in as few lines as are true."""
    reasons = {reason_of(module, test) for test in tests}
    if set(missing) == set(passed) and len(tests) > 1 and len(reasons) == 1:
        return [Entry(module, "*", reasons.pop())]
    entries = []
    groups = {}
    for test in tests:
        groups.setdefault(test.rpartition(".")[0] + ".", []).append(test)
    for prefix, members in sorted(groups.items()):
        reasons = {reason_of(module, test) for test in members}
        whole = [test for test in passed if test.startswith(prefix)]
        if len(members) > 1 and len(reasons) == 1 and set(whole) <= set(missing):
            entries.append(Entry(module, prefix + "*", reasons.pop()))
        else:
            entries += [Entry(module, t, reason_of(module, t)) for t in sorted(members)]
    return entries


def write(expected, outside, inside):
    """Brings a list up to date, keeping the reasons that it and its neighbours give."""
    found = differences(outside, inside)
    neighbours = [
        e for path in sorted(EXPECTED.glob("*.txt")) for e in Expected(path).own
        if e.reason not in (UNEXPLAINED, PASSES)
    ]
    known = [e for e in expected.own if e.reason not in (UNEXPLAINED, PASSES)] + neighbours
    inherited = expected.inherited()

    def reason_of(module, test):
        entry = first(known, module, test)
        return entry.reason if entry else UNEXPLAINED

    kept = [
        e for e in expected.own
        if e.sometimes or e.module not in outside or not outside[e.module]["passed"]
    ]
    for module, before in sorted(outside.items()):
        missing = found.get(module, {})
        unsettled = [e for e in kept if e.module == module and e.sometimes]
        told = [e for e in expected.own if e.module == module and e.reason not in (UNEXPLAINED, PASSES)]
        own = []
        for test in before["passed"]:
            if any(entry.covers(test) for entry in unsettled):
                continue
            above = first(inherited, module, test)
            if test in missing:
                mine = first(told, module, test)
                if above is None or (mine and mine.reason != above.reason):
                    own.append(test)
            elif above is not None and not above.sometimes and above.reason != PASSES:
                kept.append(Entry(module, test, PASSES))
        if own:
            kept += collapsed(module, own, missing, before["passed"], reason_of)
    expected.path.parent.mkdir(exist_ok=True)
    parent = [f"{INHERITS} {expected.parent.path.stem}"] if expected.parent else []
    expected.path.write_text(
        "# Passes outside a sandbox and not inside: compatibility.py says what a line means, reasons.txt what a reason is.\n"
        + "".join(f"{line}\n" for line in [*parent, *sorted(map(str, kept))]),
        encoding="utf-8",
    )


class Measured:
    """What was measured, outside and under each profile; kept in a file, if one is
    named, so that a long run can be taken up again."""

    def __init__(self, options):
        self.options = options
        self.path = Path(options.measured) if options.measured else None
        self.outside = {}
        self.inside = {}
        if self.path and self.path.exists():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            self.outside, self.inside = kept["outside"], kept["inside"]

    def keep(self):
        if self.path:
            text = json.dumps({"outside": self.outside, "inside": self.inside}, indent=1)
            self.path.write_text(text, encoding="utf-8")

    def run_outside(self, modules):
        return run_outside(modules, self.options.seconds, self.options.jobs)

    def run_inside(self, profile, modules):
        return run_inside(
            self.options.orchestrator, profile, modules, self.options.seconds,
            self.options.jobs,
        )

    def measure_outside(self, modules):
        missing = [module for module in modules if module not in self.outside]
        if missing:
            self.outside.update(self.run_outside(missing))
            self.keep()
        return {module: self.outside[module] for module in modules}

    def measure_inside(self, profile, modules):
        known = self.inside.setdefault(profile, {})
        missing = [module for module in modules if module not in known]
        # Not all at once: what was measured is kept when the run is cut off.
        for begin in range(0, len(missing), AT_ONCE):
            known.update(self.run_inside(profile, missing[begin : begin + AT_ONCE]))
            self.keep()
        return {module: known[module] for module in modules}


def both(one, other, better):
    """Of two measurements of a module: a test passed that passed in both, or, if
    that is better, in one."""
    passed = set(one["passed"])
    passed = passed | set(other["passed"]) if better else passed & set(other["passed"])
    return {**other, "passed": sorted(passed)}


def check(measured, profile, modules, reasons, writes):
    """What the profile's list doesn't say rightly; told, and with `writes` mended."""
    expected = Expected(EXPECTED / f"{profile}.txt")
    outside = measured.measure_outside(modules)
    inside = measured.measure_inside(profile, modules)
    texts = disagreements(expected.all(), outside, inside, reasons)
    if texts:
        # The suite has tests that depend on time: only what is so twice counts.
        again = sorted({module for module, _ in texts})
        others = measured.run_outside(again), measured.run_inside(profile, again)
        second = disagreements(expected.all(), *others, reasons)
        texts = {key: text for key, text in second.items() if key in texts}
        for module in again:
            outside[module] = both(outside[module], others[0][module], better=False)
            inside[module] = both(inside[module], others[1][module], better=True)
    total = sum(len(of["passed"]) for of in outside.values())
    count = sum(len(tests) for tests in differences(outside, inside).values())
    print(f"profile {profile}: {total - count} of {total} pass inside too, {count} don't")
    if writes:
        write(expected, outside, inside)
        return [
            f"{entry}: find out why" for entry in Expected(expected.path).all()
            if entry.reason not in reasons and entry.reason != PASSES
        ]
    return [text for _, text in sorted(texts.items())]


def main():
    # Whoever starts this in the background may ignore it, and what is measured outside would too: inside nothing is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True, type=os.path.abspath)
    options.add_argument(
        "--quick", action="store_true",
        help=f"the modules of quick.txt; unless --profile names others, under {' and '.join(QUICK)}",
    )
    options.add_argument("--profile", action="append", help="default: all of profiles/")
    options.add_argument("--modules", help="these, separated by commas")
    # Most of the suite waits most of the time.
    options.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    options.add_argument("--seconds", type=int, default=300, help="a module's time")
    options.add_argument("--write", action="store_true", help="bring the lists up to date")
    options.add_argument("--measured", help="a file for all that is measured, as JSON: what it has isn't measured again")
    chosen = options.parse_args()
    quick = lines(HERE / "quick.txt")
    modules = quick if chosen.quick else sorted({*all_modules(), *quick})
    if chosen.modules:
        modules = chosen.modules.split(",")
    reasons = read_reasons()
    measured = Measured(chosen)
    outside = measured.measure_outside(modules)
    total = sum(len(of["passed"]) for of in outside.values())
    print(f"outside: {total} tests of {len(modules)} modules pass", flush=True)
    failed = False
    profiles = chosen.profile or (QUICK if chosen.quick else shipped_profiles())
    # A list that others inherit is mended first.
    for profile in sorted(profiles, key=lambda name: Expected(EXPECTED / f"{name}.txt").depth()):
        texts = check(measured, profile, modules, reasons, chosen.write)
        for text in texts[:SHOWN]:
            print(f"  {text}")
        if len(texts) > SHOWN:
            print(f"  and {len(texts) - SHOWN} more")
        sys.stdout.flush()
        failed = failed or bool(texts)
    if failed:
        print(
            "The lists don't say what is so. Where that is right: find the reason, then\n"
            "  deploy/compatibility --write\nand give each new line its reason."
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
