"""A server under mixed load for a long time, with workers killed, clients that leave, readers that are slow and reloads. In the end every
accepted run has ended, its events have neither gap nor double, and nothing has grown: memory, descriptors, processes, cgroups, rows, files.

    soak.py --orchestrator PROGRAM [--minutes 30] [--streams 100000]

--streams   afterwards so many clients ask for the events of a run and vanish or never read, as many at a time as the server lets in, while
            somebody else is served
"""

import argparse
import http.client
import json
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

from serving import Server, workflow, write_plugin

CONFIGURATION = "plugins: {{workers: {{idle_timeout: 5s, concurrency: {{tester: {count}}}}}}}"
# Runs that haven't ended at one time.
MOST_LIVE = 24
ENDED = {"succeeded", "failed", "cancelled", "interrupted", "deadlineExceeded", "sandboxUnavailable"}
UNANSWERED = (OSError, http.client.HTTPException, ValueError)


def shapes(chance):
    """Workflows of several kinds, and whether each ends well unless somebody cancels it."""
    retry = {"retry": {"max": 8, "on": ["crash"]}}
    wait = lambda seconds, needs=(), **rest: {"type": "tester/wait", "with": {"seconds": seconds, **rest}, **retry, **({"needs": list(needs)} if needs else {})}
    kind = chance.randrange(5)
    if kind == 0:
        return {f"n{number}": wait(0.01, [f"n{number - 1}"] if number else []) for number in range(12)}, True
    if kind == 1:
        return {f"n{number}": wait(chance.random() / 20, lines=50) for number in range(20)}, True
    if kind == 2:
        return {"good": wait(0), "bad": {"type": "tester/fail", "needs": ["good"]}}, False
    if kind == 3:
        return {"large": wait(0, say="x" * 200_000), "next": wait(0, ["large"]), "command": {"run": "echo out; echo err >&2", **retry}}, True
    return {"slow": wait(0.8), "after": wait(0, ["slow"])}, True


class Soak:
    def __init__(self, program, home, minutes):
        self.home, self.seconds, self.lock = home, minutes * 60, threading.Lock()
        self.configuration = f"{home}/plugin_system.yaml"
        self.configure(2)
        self.server = Server(program, f"{home}/state", "--jobs", "3", "--config", self.configuration, "--rate-limit", "0")
        self.server.ok("POST", "/api/v1/plugins/command/grants", {"permissions": ["system.exec"]})
        self.identifier = self.server.process.pid
        # Of each run: whether it ends well, whether somebody cancelled it, and what every watcher saw.
        self.accepted, self.cancelled, self.live = {}, set(), []
        self.counts = dict.fromkeys(
            ["runs", "events", "broken off", "workers killed", "reloads", "cancelled", "half requests", "slow readers", "refused"], 0)
        self.problems, self.samples, self.isOver = [], [], threading.Event()

    def configure(self, count):
        with open(self.configuration + ".new", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(count=count))
        os.replace(self.configuration + ".new", self.configuration)

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def choose(self, chance):
        with self.lock:
            return chance.choice(self.live) if self.live else None

    # What goes on at the same time

    def submits(self, chance):
        with self.lock:
            waits = len(self.live) >= MOST_LIVE
        if waits:
            return time.sleep(0.05)
        nodes, isGood = shapes(chance)
        status, _, answer = self.server.ask("POST", "/api/v1/runs", {"document": workflow(nodes), "no_cache": True})
        if status != 202:
            self.count("refused")
            return time.sleep(0.1)
        run = answer["run"]
        with self.lock:
            self.accepted[run] = isGood
            self.live.append(run)
            self.counts["runs"] += 1

    def finishes(self, _):
        """What has ended is looked at, and removed, so that rows are those of the runs that there are."""
        with self.lock:
            runs = list(self.live)
        for run in runs:
            shown = self.server.ok("GET", f"/api/v1/runs/{run}")
            if shown["state"] in ENDED:
                self.check(run, shown["state"])
                with self.lock:
                    self.live.remove(run)
                status, _, answer = self.server.ask("DELETE", f"/api/v1/runs/{run}")
                if status != 204:
                    self.problems.append(f"{run} can't be removed: {status} {answer}")
        time.sleep(0.3)

    def check(self, run, state):
        events = self.server.events(run)
        numbers = [number for number, _, _ in events]
        kinds = [kind for _, kind, _ in events]
        if numbers != list(range(1, len(numbers) + 1)):
            self.problems.append(f"{run}: the events have gaps or doubles: {numbers}")
        if kinds.count("finished") != 1 or kinds[-1] != "finished":
            self.problems.append(f"{run}: it ended {kinds.count('finished')} times")
        done = [detail["node"] for _, kind, detail in events if kind == "succeeded"]
        if len(done) != len(set(done)):
            self.problems.append(f"{run}: a node succeeded twice")
        wanted = {"cancelled", "interrupted", "succeeded", "failed"} if run in self.cancelled else {"succeeded" if self.accepted[run] else "failed"}
        if state not in wanted:
            self.problems.append(f"{run} ended as {state}, not {wanted}: {[detail for _, kind, detail in events if kind == 'failed'][:2]}")
        self.count("events", len(events))

    def watches(self, chance):
        """Reads some, leaves, and comes back: what was seen is what the journal has, whatever comes between."""
        run = self.choose(chance)
        if not run:
            return time.sleep(0.1)
        seen = []
        for _ in range(4):
            isLast = chance.random() < 0.3
            try:
                part = self.server.events(run, after=seen[-1] if seen else None, limit=None if isLast else chance.randrange(1, 9), timeout=120)
            except AssertionError:
                return None  # It was removed meanwhile.
            seen += [number for number, _, _ in part]
            if isLast or not part:
                break
            self.count("broken off")
        if seen != list(range(1, len(seen) + 1)):
            self.problems.append(f"{run}: a watcher saw {seen}")
        return None

    def dawdles(self, chance):
        """Asks for everything, reads next to nothing, and vanishes."""
        run = self.choose(chance)
        if not run:
            return time.sleep(0.1)
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(self.head(run))
            time.sleep(chance.random() * 3)
            if chance.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.count("slow readers")
        return None

    def head(self, run):
        return (f"GET /api/v1/runs/{run}/events?transient=true HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {self.server.token}\r\n\r\n").encode()

    def halves(self, chance):
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            whole = b"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{\"a"
            connection.sendall(whole[:chance.randrange(1, len(whole))])
            time.sleep(chance.random())
        self.count("half requests")

    def kills(self, chance):
        workers = [child for child in self.descendants() if child != self.identifier]
        if workers:
            try:
                os.kill(chance.choice(workers), signal.SIGKILL)
                self.count("workers killed")
            except ProcessLookupError:
                pass
        time.sleep(0.5 + chance.random())

    def reloads(self, chance):
        self.configure(chance.randrange(1, 4))
        if chance.random() < 0.5:
            self.server.process.send_signal(signal.SIGHUP)
        else:
            self.server.ok("POST", "/api/v1/reload")
        self.count("reloads")
        time.sleep(3)

    def cancels(self, chance):
        run = self.choose(chance)
        if run:
            self.cancelled.add(run)
            self.server.ask("POST", f"/api/v1/runs/{run}/cancel")
            self.count("cancelled")
        time.sleep(1)

    # What it holds

    def descendants(self):
        parents = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", "rb") as file:
                        parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
                except OSError:
                    pass
        found, wanted = [], [self.identifier]
        while wanted:
            one = wanted.pop()
            children = [child for child, parent in parents.items() if parent == one]
            found += children
            wanted += children
        return found

    def rows(self):
        with sqlite3.connect(f"file:{self.server.state}/state.sqlite?mode=ro", uri=True, timeout=30) as database:
            tables = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}

    def cgroups(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            roots = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
        return sum(1 for root in roots for place, _, _ in os.walk(root) if f"-{self.identifier}-" in place or place.endswith(f"-{self.identifier}"))

    def files(self):
        return sum(len(names) for place in ("runs", "staging") for _, _, names in os.walk(f"{self.server.state}/{place}"))

    def sample(self):
        with open(f"/proc/{self.identifier}/status", encoding="utf-8") as file:
            text = file.read()
        number = lambda key: int(re.search(rf"{key}:\s+(\d+)", text).group(1))
        return {
            "memory_mib": round(number("VmRSS") / 1024, 1), "threads": number("Threads"),
            "descriptors": len(os.listdir(f"/proc/{self.identifier}/fd")), "processes": len(self.descendants()),
            "cgroups": self.cgroups(), "files": self.files(),
        }

    def quiet(self):
        """Until no worker is left."""
        end = time.monotonic() + 60
        while self.descendants() and time.monotonic() < end:
            time.sleep(0.5)
        time.sleep(1)
        return self.sample()

    # The whole

    def repeat(self, work, seed):
        chance = random.Random(seed)
        while not self.isOver.is_set():
            try:
                work(chance)
            except UNANSWERED as error:
                self.problems.append(f"{work.__name__}: {error!r}")
                time.sleep(1)
            except AssertionError as error:
                self.problems.append(f"{work.__name__}: {error}")
                time.sleep(1)

    def run(self):
        self.server.ended(self.server.ok("POST", "/api/v1/runs", {"document": workflow({"a": {"type": "tester/wait", "with": {"seconds": 0}}})})["run"])
        before, rows = self.quiet(), self.rows()
        works = [self.submits] * 2 + [self.finishes] + [self.watches] * 4 + [self.dawdles] * 3 + [self.halves, self.kills, self.reloads, self.cancels]
        threads = [threading.Thread(target=self.repeat, args=(work, seed)) for seed, work in enumerate(works)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + self.seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(10, left))
            self.samples.append(self.sample())
            if len(self.samples) % 6 == 0:
                print(f"{len(self.samples) // 6:>4} min  {json.dumps(self.samples[-1])}  {json.dumps(self.counts)}", flush=True)
        self.isOver.set()
        for thread in threads:
            thread.join()
        end = time.monotonic() + 120
        while self.live and time.monotonic() < end:
            self.finishes(None)
        if self.live:
            self.problems.append(f"these runs never ended: {self.live}")
        after = self.quiet()
        self.judge(before, after, rows)

    def judge(self, before, after, rows):
        half = len(self.samples) // 2
        memory = [one["memory_mib"] for one in self.samples]
        early, late = (statistics.median(part) if part else 0 for part in (memory[half // 2:half], memory[-max(1, half // 2):]))
        print(json.dumps({"before": before, "after": after, "memory_mib_second_quarter": early, "memory_mib_last_quarter": late,
                          "most": {key: max(one[key] for one in self.samples) for key in before} if self.samples else {}}))
        print(json.dumps(self.counts))
        if late > early * 1.1 + 4:
            self.problems.append(f"memory grew from {early} to {late} MiB")
        for key, more in [("descriptors", 4), ("threads", 8), ("processes", 0), ("cgroups", 0), ("files", 0)]:
            if after[key] > before[key] + more:
                self.problems.append(f"{key}: {before[key]} before, {after[key]} after")
        # What is kept on purpose: durations and uses of nodes, who did what, the cache.
        for name, count in self.rows().items():
            if count > rows.get(name, 0) and name in ("run", "journal", "run_node", "artifact"):
                self.problems.append(f"rows of {name}: {rows.get(name, 0)} before, {count} after")
        print("rows", json.dumps({name: [rows.get(name), count] for name, count in self.rows().items() if rows.get(name) != count}))

    def streams(self, total):
        """Clients that ask for events and vanish, or never read."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (16_384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        run = self.server.ok("POST", "/api/v1/runs", {"document": workflow({"a": {"type": "tester/wait", "with": {"seconds": 3000}}})})["run"]
        before, held, began, times, outcomes = self.sample(), [], time.monotonic(), [], {"answered": 0, "refused": 0, "not taken": 0}
        most = dict(before)
        for number in range(total):
            connection = socket.socket()
            connection.settimeout(0.25)
            try:
                connection.connect(("127.0.0.1", self.server.port))
                connection.sendall(self.head(run))
                held.append(connection)
            except OSError:
                outcomes["not taken"] += 1
                connection.close()
            if len(held) >= 3000:
                for one in held[:1500]:
                    one.setblocking(False)
                    try:
                        answer = one.recv(64)
                        outcomes["answered" if b" 200 " in answer else "refused"] += 1
                    except OSError:
                        outcomes["refused"] += 1
                    if number % 2:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    one.close()
                del held[:1500]
            if number % 2000 == 0:
                for key, value in self.sample().items():
                    most[key] = max(most[key], value)
                for one in held[-3:]:
                    one.close()
                del held[-3:]
                start = time.monotonic()
                try:
                    self.server.ask("GET", "/healthz", timeout=10)
                    times.append(time.monotonic() - start)
                except OSError:
                    times.append(10)
        for one in held:
            one.close()
        seconds = time.monotonic() - began
        time.sleep(2)
        start = time.monotonic()
        self.server.ok("POST", f"/api/v1/runs/{run}/cancel")
        self.server.ended(run)
        print(json.dumps({"streams": total, "seconds": round(seconds, 1), **outcomes, "most": most, "answer_after_ms": round((time.monotonic() - start) * 1000),
                          "health_median_ms": round(statistics.median(times) * 1000, 1), "health_most_ms": round(max(times) * 1000, 1)}))
        after = self.quiet()
        print(json.dumps({"before": before, "after": after}))
        if after["descriptors"] > before["descriptors"] + 4 or most["descriptors"] > 2300:
            self.problems.append("descriptors are left, or were more than the bound")
        return after["memory_mib"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orchestrator", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--streams", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        write_plugin(home)
        soak = Soak(os.path.abspath(arguments.orchestrator), home, arguments.minutes)
        try:
            soak.run()
            if arguments.streams:
                # What the first has taken is there for the second.
                first, second = (soak.streams(arguments.streams // 2) for _ in range(2))
                if second > first * 1.1 + 4:
                    soak.problems.append(f"memory grew from {first} to {second} MiB")
            status = soak.server.stop()
            if status != 0:
                soak.problems.append(f"the server ended with status {status}")
        finally:
            soak.server.__exit__()
        for problem in soak.problems[:20]:
            print(f"WRONG: {problem}")
        errors = [line for line in soak.server.text(soak.server.errors).decode().splitlines() if " error " in line]
        for line in errors[:10]:
            print(f"said: {line}")
        print("ok" if not soak.problems else f"{len(soak.problems)} problems")
        sys.exit(1 if soak.problems else 0)


if __name__ == "__main__":
    main()
