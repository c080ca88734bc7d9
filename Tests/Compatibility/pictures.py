"""A plugin with numpy, Pillow and scikit-learn, packed, installed with its packages from the index, and run on photographs.

    python3 pictures.py --orchestrator PROGRAM --python INTERPRETER [--uv PROGRAM]

The interpreter is that of `packages.py`: its scikit-learn brings two photographs, and its Pillow looks at what is made of them. The
plugin's own packages come from the index.
"""

import argparse
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOOK = """
import json, sys
from PIL import Image
with Image.open(sys.argv[1]) as picture:
    print(json.dumps({"size": picture.size, "colours": len(picture.convert("RGB").getcolors(100000))}))
"""
PHOTOGRAPHS = "import sklearn.datasets as d, os; print(os.path.join(os.path.dirname(d.__file__), 'images'))"


def private_networks(hosts):
    """Addresses of the index that aren't public, as with a mirror of one's own."""
    found = {entry[4][0] for host in hosts for entry in socket.getaddrinfo(host, 443, socket.AF_INET)}
    return sorted(address for address in found if not ipaddress.ip_address(address).is_global)


def check(condition, words):
    if not condition:
        sys.exit(f"pictures: {words}")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True, type=os.path.abspath)
    options.add_argument("--python", required=True)
    options.add_argument("--uv")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="pictures-", dir="/var/tmp") as place:
        place = Path(place)
        networks = private_networks(["pypi.org", "files.pythonhosted.org"])
        system = {"plugins": {"security": {"network": {"private_networks": networks}}, "python": {}}}
        if chosen.uv:
            system["plugins"]["python"]["uv"] = chosen.uv
        (place / "system.yaml").write_text(json.dumps(system), encoding="utf-8")
        photographs = subprocess.check_output([chosen.python, "-c", PHOTOGRAPHS], text=True).strip()
        shutil.copytree(photographs, place / "workspace")

        def run(*arguments):
            start = time.monotonic()
            done = subprocess.run(
                [chosen.orchestrator, *arguments], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
            check(done.returncode == 0, f"{' '.join(arguments[:2])} ended with {done.returncode}: {done.stdout}")
            print(f"  {' '.join(arguments[:2])}: {time.monotonic() - start:.1f} s", flush=True)
            return done.stdout

        common = ["--config", "system.yaml", "--state-dir", "state"]
        run("plugin", "pack", str(HERE / "pictures"), "--out", "pictures.zip")
        run("plugin", "install", "pictures.zip", *common)
        nodes = {
            name: {"type": "pictures/palette", "timeout": "300s", "with": {"picture": f"{name}.jpg", "count": 5}}
            for name in ("china", "flower")
        }
        nodes["compare"] = {
            "type": "pictures/compare", "in": {"pictures": ["china.picture", "flower.picture"]}
        }
        workflow = {
            "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "pictures"},
            "spec": {
                "nodes": nodes,
                "outputs": {
                    "china": "china.colours", "flower": "flower.colours", "compare": "compare.components",
                },
            },
        }
        (place / "w.json").write_text(json.dumps(workflow), encoding="utf-8")
        report = json.loads(
            run(
                "run", "w.json", *common, "--workspace", str(place / "workspace"), "--grant",
                "pictures=filesystem.write", "--output", "json",
            )
        )
        found = {name: output["value"] for name, output in report["outputs"].items()}
        print(f"  china {found['china']}, flower {found['flower']}")
        sky, leaf = found["china"][0], found["flower"][0]
        check(len(found["china"]) == 5 and sky[2] >= sky[0] and sum(sky) > 380, f"no sky is that dark: {sky}")
        check(sum(leaf) < 300, f"no leaves are that bright: {leaf}")
        check(any(red > 1.5 * blue for red, _, blue in found["flower"]), "the flower isn't there")
        check(abs(found["compare"][0][0]) > 10, f"the two look alike: {found['compare']}")
        for name in ("china", "flower"):
            painted = place / "workspace" / f"{name}-painted.png"
            seen = json.loads(subprocess.check_output([chosen.python, "-c", LOOK, str(painted)]))
            check(seen["colours"] <= 5 and max(seen["size"]) == 160, f"{painted.name}: {seen}")
    print("pictures: numpy, Pillow and scikit-learn from the index, on two photographs")


if __name__ == "__main__":
    main()
