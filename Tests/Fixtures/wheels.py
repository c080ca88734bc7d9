"""Makes wheels (PEP 427) for tests, and an index of them (PEP 503).

    python3 wheels.py DIRECTORY [source/]NAME==VERSION[:REQUIREMENT[,REQUIREMENT]] ...
    python3 wheels.py --serve DIRECTORY [FILES_PREFIX]

A wheel's package says its version: `import NAME; NAME.VERSION`. `--serve` prints the port of 127.0.0.1 that it listens on, and
links to the files with the prefix, or beside the index.
"""

import base64
import hashlib
import http.server
import io
import sys
import tarfile
import zipfile
from pathlib import Path


def record(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def make(directory, name, version, requirements=(), extra=None):
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {one}\n" for one in requirements)
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{name}/tool": b"#!/bin/sh\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(extra or {}),
    }
    files[f"{info}/RECORD"] = (
        "".join(record(path, content) for path, content in files.items()) + f"{info}/RECORD,,\n"
    ).encode()
    path = Path(directory) / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in files.items():
            entry = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if member.endswith("/tool") else 0o100644) << 16
            wheel.writestr(entry, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


BACKEND = """
import base64, hashlib, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    files = {
        "NAME/__init__.py": b"VERSION = 'VERSION_TEXT built'\\n",
        "NAME-VERSION_TEXT.dist-info/METADATA": b"Metadata-Version: 2.1\\nName: NAME\\nVersion: VERSION_TEXT\\n",
        "NAME-VERSION_TEXT.dist-info/WHEEL": b"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}\\n"
        for path, content in files.items()
    )
    files["NAME-VERSION_TEXT.dist-info/RECORD"] = (record + "NAME-VERSION_TEXT.dist-info/RECORD,,\\n").encode()
    with zipfile.ZipFile(f"{directory}/NAME-VERSION_TEXT-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return "NAME-VERSION_TEXT-py3-none-any.whl"
"""


def make_source(directory, name, version):
    """A source distribution (PEP 517) that needs nothing to be built: what it builds says so."""
    files = {
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        f"[project]\nname = '{name}'\nversion = '{version}'\n",
        "backend.py": BACKEND.replace("NAME", name).replace("VERSION_TEXT", version),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    with tarfile.open(Path(directory) / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


class Index(http.server.BaseHTTPRequestHandler):
    directory = Path()
    prefix = "/files/"

    def do_GET(self):
        parts = [part for part in self.path.split("/") if part]
        if parts[0] == "simple" and len(parts) == 2:
            names = sorted(path.name for path in self.directory.glob(f"{parts[1]}-*.whl"))
            links = "".join(f'<a href="{self.prefix}{name}">{name}</a>\n' for name in names)
            return self.answer(200 if names else 404, "text/html", f"<html><body>{links}</body></html>".encode())
        path = self.directory / parts[-1]
        if parts[0] == "files" and path.is_file():
            return self.answer(200, "application/octet-stream", path.read_bytes())
        return self.answer(404, "text/plain", b"")

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    if sys.argv[1] == "--serve":
        Index.directory = Path(sys.argv[2])
        if len(sys.argv) > 3:
            Index.prefix = sys.argv[3]
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
        print(server.server_address[1], flush=True)
        server.serve_forever()
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for word in sys.argv[2:]:
        pinned, _, requirements = word.partition(":")
        name, version = pinned.split("==")
        if name.startswith("source/"):
            make_source(directory, name.removeprefix("source/"), version)
            continue
        print(make(directory, name, version, [one for one in requirements.split(",") if one]))


if __name__ == "__main__":
    main()
