"""In the guest that deploy/guest-service boots: looks at the service as systemd runs it. Each test says what holds."""

import glob
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

from serving import workflow, write_plugin

UNIT = "orchestrator.service"
STATE = "/var/lib/orchestrator"
CGROUP = f"/sys/fs/cgroup/system.slice/{UNIT}"
# Emulated, all takes longer.
PATIENCE = 300


def command(*words, check=True):
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
    assert not check or ended.returncode == 0, (words, ended.stdout, ended.stderr)
    return ended.stdout + ended.stderr


def shown(name):
    return command("systemctl", "show", "--value", f"--property={name}", UNIT).strip()


def until(found, words):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError(f"never {words}:\n" + command("systemctl", "status", UNIT, check=False) + command("journalctl", "-u", UNIT, "-n", "50", check=False))


def read(path):
    with open(path) as file:
        return file.read().strip()


def log():
    return command("journalctl", "--output=cat", f"--unit={UNIT}", check=False)


class ServiceTests(unittest.TestCase):
    """In the order of their numbers: the service goes through its life once."""

    token = ""

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE)
        try:
            connection.request(method, path, json.dumps(body) if body else None,
                               {"Authorization": f"Bearer {self.token}", **({"Content-Type": "application/json"} if body else {})})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if "json" in (answer.headers.get("Content-Type") or "") else content

    def begin(self, seconds):
        document = workflow({"a": {"type": "tester/wait", "with": {"seconds": seconds}, "resources": {"memory": "96Mi", "cpu": 0.5}}})
        status, body = self.ask("POST", "/api/v1/runs", {"document": document})
        self.assertEqual(status, 202, body)
        return body["run"]

    def state_of(self, run):
        return self.ask("GET", f"/api/v1/runs/{run}")[1]["state"]

    def ended(self, run):
        until(lambda: self.state_of(run) not in ("running", "cutOff"), f"ended the run {run}")
        return self.ask("GET", f"/api/v1/runs/{run}")[1]

    def test_1_the_package_starts_nothing_by_itself(self):
        self.assertEqual(command("systemctl", "is-enabled", UNIT, check=False).strip(), "disabled")
        self.assertEqual(shown("ActiveState"), "inactive")

    def test_2_it_starts_as_its_own_user_and_says_how_it_does(self):
        write_plugin("/srv/plugins")
        with open("/etc/default/orchestrator", "w") as file:
            file.write('ORCHESTRATOR_OPTIONS="--plugins /srv/plugins"\n')
        begun = time.monotonic()
        command("systemctl", "start", UNIT)
        print(f"started in {time.monotonic() - begun:.1f} s, emulated")
        self.assertEqual(shown("ActiveState"), "active")
        self.assertEqual(shown("StatusText"), "listening at http://127.0.0.1:8080")
        type(self).token = until(lambda: re.search(r"orchestrator_[0-9a-f]{64}", log()), "shown the first token").group()
        self.assertEqual(self.ask("GET", "/healthz"), (200, b"ok\n"))
        status = read(f"/proc/{shown('MainPID')}/status")
        self.assertNotEqual(re.search(r"Uid:\s+(\d+)", status).group(1), "0")
        self.assertEqual(re.search(r"CapBnd:\s+(\w+)", status).group(1), "0" * 16)
        self.assertEqual(re.search(r"NoNewPrivs:\s+(\d)", status).group(1), "1")
        self.assertEqual(os.stat(STATE).st_mode & 0o777, 0o700)

    def test_2a_its_hardening_takes_nothing_from_the_sandboxes(self):
        unit = read(f"/lib/systemd/system/{UNIT}")
        for old, new in [("Type=.*", "Type=oneshot\nEnvironment=XDG_STATE_HOME=/var/lib"), ("ExecStart=.*", "ExecStart=/usr/bin/orchestrator doctor"),
                         ("(Restart|WatchdogSec|NotifyAccess)=.*", "")]:
            unit = re.sub(f"^{old}", new, unit, flags=re.MULTILINE)
        with open("/run/systemd/system/doctor.service", "w") as file:
            file.write(unit)
        command("systemctl", "daemon-reload")
        command("systemctl", "start", "doctor.service", check=False)
        said = command("journalctl", "--output=cat", "--unit=doctor.service", check=False)
        print("\n".join(line for line in said.splitlines() if line.startswith(("✗", "!"))))
        self.assertNotIn("✗", said)
        for name in ["user namespaces", "system-call filter", "a private /proc", "cgroup v2", "writes that wait for success", "libarchive"]:
            self.assertIn(f"✓ {name}", said)
        self.assertEqual(command("systemctl", "show", "--value", "--property=Result", "doctor.service").strip(), "success")

    def test_3_a_node_runs_in_a_group_below_the_services_with_the_limits_that_were_asked_for(self):
        run = self.begin(20)
        asked = str(96 << 20)
        until(lambda: asked in [read(path) for path in glob.glob(f"{CGROUP}/**/memory.max", recursive=True)], "limited the worker")
        self.assertEqual(self.ended(run)["state"], "succeeded")
        self.assertNotIn("watched", log())

    def test_4_a_reload_is_told_and_goes_on(self):
        process = shown("MainPID")
        command("systemctl", "reload", UNIT)
        until(lambda: shown("ActiveState") == "active", "active again")
        self.assertEqual(shown("MainPID"), process)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)

    def test_5_one_that_stands_still_is_started_again_and_goes_on_with_its_run(self):
        os.makedirs(f"/run/systemd/system/{UNIT}.d", exist_ok=True)
        with open(f"/run/systemd/system/{UNIT}.d/short.conf", "w") as file:
            file.write("[Service]\nWatchdogSec=20\n")
        command("systemctl", "daemon-reload")
        command("systemctl", "restart", UNIT)
        run = self.begin(15)
        time.sleep(25)
        self.assertEqual(shown("NRestarts"), "0")
        second = self.begin(3)
        process = int(shown("MainPID"))
        os.kill(process, signal.SIGSTOP)
        until(lambda: shown("NRestarts") == "1" and shown("ActiveState") == "active", "started it again")
        self.assertIn("watchdog", command("journalctl", "--unit", UNIT, "--output=cat").lower())
        for one in [run, second]:
            self.assertEqual(self.ended(one)["state"], "succeeded")
        left = [path for path in glob.glob(f"{CGROUP}/*") if os.path.isdir(path)]
        print("groups below the service:", left)

    def test_6_its_end_is_in_order_and_what_was_under_way_is_gone_on_with(self):
        run = self.begin(40)
        begun = time.monotonic()
        command("systemctl", "stop", UNIT)
        print(f"stopped in {time.monotonic() - begun:.1f} s")
        self.assertEqual((shown("Result"), shown("ExecMainStatus")), ("success", "0"))
        command("systemctl", "start", "orchestrator.socket")
        self.assertEqual(shown("ActiveState"), "inactive")
        # The first connection starts it.
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(shown("ActiveState"), "active")
        self.assertEqual(self.ended(run)["state"], "succeeded")

    def test_7_a_removal_takes_the_program_and_a_purge_the_state(self):
        print(command("dpkg", "--remove", "orchestrator"))
        self.assertFalse(os.path.exists("/usr/bin/orchestrator") or os.path.exists("/usr/share/orchestrator"))
        self.assertTrue(os.path.exists(f"{STATE}/state.sqlite") and os.path.exists("/etc/default/orchestrator"))
        self.assertEqual(command("systemctl", "is-active", UNIT, check=False).strip(), "inactive")
        print(command("dpkg", "--purge", "orchestrator"))
        self.assertFalse(os.path.exists(STATE) or os.path.exists("/etc/default/orchestrator"))


if __name__ == "__main__":
    print("systemd", command("systemctl", "--version").split()[1], "on Linux", os.uname().release)
    outcome = unittest.main(argv=["service_check", "-v", "--failfast", *sys.argv[1:]], exit=False)
    if not outcome.result.wasSuccessful():
        print(log()[-8000:])
    with open("/results/status", "w") as file:
        file.write("0\n" if outcome.result.wasSuccessful() else "1\n")
