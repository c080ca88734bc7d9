"""The server against its own OpenAPI document, by schemathesis: no 5xx, nothing that the document doesn't say."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from serving import Server, workflow, write_plugin


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--orchestrator", required=True)
    options.add_argument("--schemathesis", required=True)
    options.add_argument("--examples", default="15")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        write_plugin(directory)
        with Server(chosen.orchestrator, f"{directory}/state") as server:
            # There is something to find.
            server.ok("PUT", "/api/v1/workflows/etl", workflow({"a": {"type": "tester/wait"}}), headers={"If-None-Match": "*"})
            sent = server.ok("POST", "/api/v1/uploads", b"a", headers={"Content-Type": "application/octet-stream"})["upload"]
            run = server.ok("POST", "/api/v1/runs", {"workflow": "etl", "files": {"a": sent}})["run"]
            server.ended(run)
            document = server.ok("GET", "/openapi.json")
            with open(f"{directory}/openapi.json", "w") as file:
                json.dump(document, file)
            here = os.path.dirname(os.path.abspath(__file__))
            result = subprocess.run(
                [chosen.schemathesis, "--config-file", f"{here}/schemathesis.toml", "run", f"{directory}/openapi.json",
                 "--url", f"http://127.0.0.1:{server.port}", "-H", f"Authorization: Bearer {server.token}",
                 "--checks", "all", "--max-examples", chosen.examples, "--continue-on-failure", "--request-timeout", "30",
                 "--seed", "1", "--rate-limit", "150/s", "--exclude-path-regex", "/events$", "--exclude-operation-id", "installPlugin", "--exclude-operation-id", "publishPackage"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=directory, timeout=1200)
            text = result.stdout.decode(errors="replace")
            # Requests may be long.
            print("\n".join(line[:400] for line in text.splitlines()[-400:]))
            assert server.process.poll() is None, "the server ended"
            assert server.stop() == 0, server.text(server.errors)
            told = [line for line in server.text(server.errors).decode().splitlines() if "orchestrator_" not in line]
            assert not any("error" in line.lower() for line in told), told
    sys.exit(result.returncode)


if __name__ == "__main__":
    main()
