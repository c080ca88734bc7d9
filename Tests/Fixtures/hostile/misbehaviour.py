"""Workers that break the protocol, or themselves.

Each manner names what the supervisor must survive. The worker's socket is
descriptor 3; frames are written by hand, past the package `pipeline`.
"""

import json
import os
import signal
import socket
import struct
import sys
import time

CHANNEL = 3
RESULT, ERROR, PROGRESS, LOG, READY = 6, 7, 8, 9, 3

MANNERS = {}


def manner(function):
    MANNERS[function.__name__.replace("_", "-")] = function
    return function


def frame(kind, body=b"", call=1, descriptors=0, flags=0, length=None):
    size = len(body) if length is None else length
    return struct.pack("<IBBHQ", size, kind, flags, descriptors, call) + body


def values(*entries, metadata=b'{"fallback":false,"cache_key":null}', count=None):
    """A body of values; each entry is (name, codec, storage, content)."""
    body = struct.pack("<I", len(metadata)) + metadata
    body += struct.pack("<I", len(entries) if count is None else count)
    for name, codec, storage, content in entries:
        body += struct.pack(
            "<BBHHHIIQ", codec, storage, len(name), 0, 0, 0xFFFFFFFF, 0,
            content if storage else len(content),
        ) + name
    return body + b"".join(e[3] for e in entries if not e[2])


def send(data, descriptors=()):
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        if descriptors:
            socket.send_fds(channel, [data], list(descriptors))
        else:
            channel.sendall(data)


def wait():
    time.sleep(3600)


@manner
def garbage():
    """Sends what isn't a frame."""
    send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 64)
    wait()


@manner
def closes_channel():
    """Closes its socket and stays.

    Closing alone isn't seen while another thread of the worker reads from it.
    """
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        channel.shutdown(socket.SHUT_RDWR)
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= CHANNEL:
            try:
                os.close(int(name))
            except OSError:
                pass
    wait()


@manner
def half_closes_channel():
    """Shuts down one direction of its socket."""
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        channel.shutdown(socket.SHUT_WR)
    wait()


@manner
def huge_frame():
    """Announces a body of 2 GiB."""
    send(frame(RESULT, b"x" * 4096, length=1 << 31))
    wait()


@manner
def truncated_frame():
    """Ends in the middle of a frame."""
    send(frame(RESULT, b"x" * 100, length=4096))
    os._exit(0)


@manner
def unknown_kind():
    """Sends a kind of frame that doesn't exist."""
    send(frame(99))
    wait()


@manner
def reserved_flags():
    """Sets flags that mean nothing yet."""
    send(frame(PROGRESS, b"{}", flags=0x80))
    wait()


@manner
def ready_again():
    """Says that it is ready a second time."""
    send(frame(READY, b"{}", call=0))
    wait()


@manner
def foreign_result():
    """Answers a call that nobody made."""
    send(frame(RESULT, values(), call=1 << 40))
    wait()


@manner
def two_results():
    """Answers, and leaves the package to answer once more."""
    send(frame(RESULT, values((b"result", 0, 0, b'"first"'))))
    return {"result": "second"}


@manner
def lying_count():
    """Announces more values than it sends."""
    send(frame(RESULT, values(count=1000)))
    wait()


@manner
def lying_length():
    """Gives a value a length beyond the body."""
    name = b"result"
    entry = struct.pack("<BBHHHIIQ", 0, 0, len(name), 0, 0, 0xFFFFFFFF, 0, 1 << 62)
    metadata = b'{"fallback":false,"cache_key":null}'
    send(
        frame(
            RESULT,
            struct.pack("<I", len(metadata)) + metadata + struct.pack("<I", 1)
            + entry + name,
        )
    )
    wait()


@manner
def hostile_names():
    """Calls a value by a name that would lead out of a directory."""
    send(frame(RESULT, values((b"../../etc", 0, 0, b"1"))))
    wait()


@manner
def missing_descriptor():
    """Announces a descriptor and sends none."""
    send(frame(RESULT, values((b"result", 1, 1, 4096)), descriptors=1))
    wait()


def memory(size, seals):
    import fcntl

    descriptor = os.memfd_create("value", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    if seals:
        fcntl.fcntl(descriptor, 1033, seals)  # F_ADD_SEALS
    return descriptor


@manner
def unsealed_descriptor():
    """Sends memory that it could still change."""
    body = values((b"result", 1, 1, 4096))
    send(frame(RESULT, body, descriptors=1), [memory(4096, 0)])
    wait()


@manner
def half_sealed_descriptor():
    """Sends memory that can't grow but can still be written."""
    body = values((b"result", 1, 1, 4096))
    send(frame(RESULT, body, descriptors=1), [memory(4096, 0x1 | 0x2 | 0x4)])
    wait()


@manner
def short_descriptor():
    """Sends sealed memory that is shorter than it says."""
    body = values((b"result", 1, 1, 1 << 30))
    send(frame(RESULT, body, descriptors=1), [memory(4096, 0xF)])
    wait()


@manner
def file_descriptor():
    """Sends a file where memory was promised."""
    with open("/tmp/value", "wb") as file:
        file.truncate(4096)
    descriptor = os.open("/tmp/value", os.O_RDWR)
    body = values((b"result", 1, 1, 4096))
    send(frame(RESULT, body, descriptors=1), [descriptor])
    wait()


@manner
def unclaimed_descriptors():
    """Sends descriptors that no frame asks for."""
    send(frame(PROGRESS, b'{"fraction":0.5,"message":""}'), [memory(1, 0xF)] * 60)
    send(frame(PROGRESS, b'{"fraction":0.6,"message":""}'), [memory(1, 0xF)] * 60)
    wait()


@manner
def flood_output():
    """Writes 1 GiB to its standard output."""
    block = b"x" * 1023 + b"\n"
    for _ in range(1 << 10):
        data = block * 1024
        while data:
            data = data[os.write(1, data) :]
    return {"result": "done"}


@manner
def flood_log():
    """Sends log frames as fast as it can."""
    body = json.dumps(
        {"level": "info", "logger": "flood", "message": "x" * 60000}
    ).encode()
    for _ in range(2000):
        send(frame(LOG, body))
    return {"result": "done"}


@manner
def terminal_codes():
    """Writes escape sequences that would act on the operator's terminal."""
    text = "\x1b]0;owned\x07\x1b[2J\x1b]52;c;b3duZWQ=\x07\x9b2J\u202egnp.exe"
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    raise RuntimeError(text)


@manner
def exits():
    """Exits in the middle of a call."""
    os._exit(7)


@manner
def exits_cleanly():
    """Exits with success in the middle of a call."""
    os._exit(0)


@manner
def segfaults():
    """Dies of SIGSEGV."""
    os.kill(os.getpid(), signal.SIGSEGV)
    wait()


@manner
def kills_itself():
    """Dies of SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)
    wait()


@manner
def stops_itself():
    """Stops, and neither runs nor dies."""
    os.kill(os.getpid(), signal.SIGSTOP)
    wait()


@manner
def leaves_daemons():
    """Succeeds, and leaves daemons that hold its descriptors."""
    for _ in range(10):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                wait()
            os._exit(0)
        os.wait()
    return {"result": "done"}


@manner
def ignores_cancel():
    """Ignores cancel and SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            wait()
        except BaseException:
            pass


@manner
def spins():
    """Never returns, and never waits."""
    while True:
        pass


@manner
def recursion():
    """Recurses for ever."""
    return recursion()


@manner
def huge_result():
    """Returns text of 100 MB."""
    return {"result": "x" * 100_000_000}


@manner
def not_plain():
    """Returns what no codec carries."""
    return {"result": object()}


@manner
def not_a_number():
    """Returns NaN, which JSON doesn't have."""
    return {"result": float("nan")}


@manner
def not_a_mapping():
    """Returns a list where outputs by name were expected."""
    return ["result"]


@manner
def nothing():
    """Returns None."""
    return None


@manner
def unknown_port():
    """Returns an output that its specification doesn't have."""
    return {"result": 1, "surprise": 2}


@manner
def missing_port():
    """Leaves out the output that its specification promises."""
    return {}


@manner
def deep_result():
    """Returns lists nested a hundred thousand deep."""
    value = []
    for _ in range(100_000):
        value = [value]
    return {"result": value}


@manner
def raises():
    """Raises in execute."""
    raise ValueError("the plugin's own words")


@manner
def raises_exit():
    """Raises SystemExit in execute."""
    sys.exit(3)


@manner
def fills_scratch():
    """Fills its scratch directory."""
    with open("/tmp/fill", "wb") as file:
        block = b"x" * (1 << 20)
        for _ in range(1 << 16):
            file.write(block)
    return {"result": "done"}


@manner
def well_behaved():
    """Does what it should: the other manners' control."""
    return {"result": "well"}
