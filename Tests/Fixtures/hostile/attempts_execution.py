"""Starting other programs without `system.exec`."""

import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time

from harness import (
    IS_X86,
    Prevented,
    attempt,
    in_child,
    system_call,
    tiny_program,
)

EXECVEAT = 322 if IS_X86 else 281
CLONE3 = 435
AT_EMPTY_PATH = 0x1000
RAN = 42
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def ran_in_child(start, expected=f"exited {RAN}"):
    """Runs `start`, which replaces its process by a program that ends as
    expected; raises what `start` raised."""

    def body():
        try:
            start()
        except OSError as error:
            return str(error.errno).encode()
        return b"returned"

    ended, text = in_child(body)
    if ended == expected and not text:
        return "the program ran"
    if text.isdigit():
        raise OSError(int(text), os.strerror(int(text)))
    raise RuntimeError(f"{ended}, {text!r}")


def shell_arguments():
    return ["sh", "-c", f"exit {RAN}"]


def make_program(path, content=None):
    with open(path, "wb") as file:
        file.write(content or tiny_program())
    os.chmod(path, 0o755)
    return path


def memory_program(content=None):
    descriptor = os.memfd_create("probe", 0)
    os.write(descriptor, content or tiny_program())
    return descriptor


@attempt("exec-system", open_to_everyone=True)
def exec_system(facts):
    """os.system starts no shell."""
    status = os.waitstatus_to_exitcode(os.system(f"exit {RAN}"))
    if status == RAN:
        return "the shell ran"
    raise Prevented(f"status {status}")


@attempt("exec-subprocess", {"ENOENT"}, open_to_everyone=True)
def exec_subprocess(facts):
    """subprocess starts no shell."""
    done = subprocess.run(["/bin/sh", "-c", "echo ran"], stdout=subprocess.PIPE)
    return f"the shell said {done.stdout!r}"


@attempt("exec-posix-spawn", {"ENOENT"}, open_to_everyone=True)
def exec_posix_spawn(facts):
    """posix_spawn, which shares memory with its child, starts no shell."""
    child = os.posix_spawn("/bin/sh", shell_arguments(), ENVIRONMENT)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == RAN:
        return "the shell ran"
    raise Prevented(f"status {status}")


@attempt("exec-in-place", {"ENOENT"}, open_to_everyone=True)
def exec_in_place(facts):
    """execve doesn't turn a process into a shell."""
    return ran_in_child(
        lambda: os.execve("/bin/sh", shell_arguments(), ENVIRONMENT)
    )


@attempt("exec-interpreter-again", open_to_everyone=True)
def exec_interpreter_again(facts):
    """Not even the interpreter that the worker itself is may be started again."""
    command = [sys.executable, "-I", "-S", "-c", f"import os; os._exit({RAN})"]
    return ran_in_child(
        lambda: os.execve("/proc/self/exe", command, ENVIRONMENT)
    )


@attempt("exec-loader", {"ENOENT"}, open_to_everyone=True)
def exec_loader(facts):
    """The dynamic loader doesn't load a shell."""
    loader = (
        "/lib64/ld-linux-x86-64.so.2" if IS_X86 else "/lib/ld-linux-aarch64.so.1"
    )
    command = [loader, "/bin/sh", "-c", f"exit {RAN}"]
    return ran_in_child(lambda: os.execve(loader, command, ENVIRONMENT))


@attempt("exec-scratch-file", open_to_everyone=True)
def exec_scratch_file(facts):
    """A program written to scratch can't be started."""
    path = make_program(f"/tmp/.probe-program-{os.getpid()}")
    try:
        return ran_in_child(lambda: os.execve(path, ["probe"], {}))
    finally:
        os.unlink(path)


@attempt("exec-shared-memory-file", {"ENOENT"})
def exec_shared_memory_file(facts):
    """A program written to /dev/shm can't be started."""
    path = make_program(f"/dev/shm/.probe-program-{os.getpid()}")
    try:
        return ran_in_child(lambda: os.execve(path, ["probe"], {}))
    finally:
        os.unlink(path)


@attempt("exec-script", {"ENOENT"}, open_to_everyone=True)
def exec_script(facts):
    """A script's first line starts no interpreter."""
    script = f"#!/bin/sh\nexit {RAN}\n".encode()
    path = make_program(f"/tmp/.probe-script-{os.getpid()}", script)
    try:
        return ran_in_child(lambda: os.execve(path, ["probe"], {}))
    finally:
        os.unlink(path)


@attempt("exec-memory-descriptor", open_to_everyone=True)
def exec_memory_descriptor(facts):
    """A program in memory can't be started by execveat (Landlock doesn't cover
    memfds)."""
    return ran_in_child(
        lambda: execveat(memory_program(), b"", AT_EMPTY_PATH)
    )


@attempt("exec-memory-by-path", open_to_everyone=True)
def exec_memory_by_path(facts):
    """A program in memory can't be started through /proc/self/fd."""
    return ran_in_child(
        lambda: os.execve(f"/proc/self/fd/{memory_program()}", ["probe"], {})
    )


@attempt("exec-by-descriptor", {"ENOENT"}, open_to_everyone=True)
def exec_by_descriptor(facts):
    """An O_PATH descriptor of a program can't be executed."""
    shell = os.open("/bin/sh", os.O_PATH)
    return ran_in_child(
        lambda: execveat(shell, b"", AT_EMPTY_PATH, shell_arguments())
    )


@attempt("exec-by-descriptor-path", {"ENOENT"}, open_to_everyone=True)
def exec_by_descriptor_path(facts):
    """/proc/self/fd/N of a program can't be executed."""
    shell = os.open("/bin/sh", os.O_PATH)
    return ran_in_child(
        lambda: os.execve(
            f"/proc/self/fd/{shell}", shell_arguments(), ENVIRONMENT
        )
    )


@attempt("exec-relative", {"ENOENT"}, open_to_everyone=True)
def exec_relative(facts):
    """execveat relative to a directory starts nothing."""
    directory = os.open("/bin", os.O_PATH | os.O_DIRECTORY)
    return ran_in_child(
        lambda: execveat(directory, b"sh", 0, shell_arguments())
    )


@attempt("exec-from-thread", {"ENOENT"}, open_to_everyone=True)
def exec_from_thread(facts):
    """A thread of the worker is refused as its main thread is."""

    def body():
        raised = []

        def start():
            try:
                os.execve("/bin/sh", shell_arguments(), ENVIRONMENT)
            except OSError as error:
                raised.append(error)

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        raise raised[0]

    return ran_in_child(body)


@attempt("exec-race", {"ENOENT"}, open_to_everyone=True)
def exec_race(facts):
    """However many processes try at once, none of them is let through."""
    gate_reader, gate_writer = os.pipe()
    children = []
    for _ in range(32):
        child = os.fork()
        if child == 0:
            os.close(gate_writer)
            os.read(gate_reader, 1)
            for _ in range(50):
                try:
                    os.execve("/bin/sh", shell_arguments(), ENVIRONMENT)
                except OSError:
                    pass
            os._exit(0)
        children.append(child)
    os.close(gate_writer)
    ends = [
        os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children
    ]
    if RAN in ends:
        return f"{ends.count(RAN)} of {len(ends)} got through"
    raise Prevented(f"{len(ends)} processes, 50 attempts each")


@attempt("exec-changing-arguments", {"ENOENT"}, open_to_everyone=True)
def exec_changing_arguments(facts):
    """Changing the path while the kernel waits for the decision gains nothing:
    the decision doesn't look at it (seccomp_unotify(2))."""

    def body():
        path = ctypes.create_string_buffer(b"/nonexistent/program")
        stop = threading.Event()

        def flip():
            while not stop.is_set():
                path.value = b"/bin/sh"
                time.sleep(0.0001)
                path.value = b"/nonexistent"

        thread = threading.Thread(target=flip, daemon=True)
        thread.start()
        arguments = (ctypes.c_char_p * 4)(
            b"sh", b"-c", b"exit %d" % RAN, None
        )
        last = None
        for _ in range(300):
            try:
                system_call(59 if IS_X86 else 221, path, arguments, 0)
            except OSError as error:
                last = error
        stop.set()
        raise last

    return ran_in_child(body)


@attempt("run-set-user-id-program", {"ENOENT"})
def run_set_user_id_program(facts):
    """Programs that run as their owner can't be started, and would not gain
    anything."""
    last = None
    for path in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/sudo"):
        if not os.path.exists(path):
            continue
        try:
            done = subprocess.run(
                [path, "--version"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=5,
            )
            with open("/proc/self/status", encoding="utf-8") as file:
                if "NoNewPrivs:\t1" in file.read():
                    raise Prevented("it ran without gaining anything")
            return f"{path} ran, status {done.returncode}"
        except OSError as error:
            last = error
    if last is None:
        raise Prevented("there is none")
    raise last


def execveat(directory, path, flags, arguments=("probe",)):
    values = [argument.encode() for argument in arguments] + [None]
    system_call(
        EXECVEAT, directory, path,
        ctypes.cast((ctypes.c_char_p * len(values))(*values), ctypes.c_void_p),
        0, flags,
    )


def execute_in_scratch(make, arguments=("probe",)):
    """Starts what `make` puts at a path of scratch."""
    path = f"/tmp/.probe-made-{os.getpid()}"
    make(path)
    try:
        return ran_in_child(
            lambda: os.execve(path, list(arguments), ENVIRONMENT)
        )
    finally:
        os.unlink(path)


@attempt("exec-loader-of-scratch", {"ENOENT"}, open_to_everyone=True)
def exec_loader_of_scratch(facts):
    """The dynamic loader doesn't load a program that lies where the plugin
    writes."""
    loader = (
        "/lib64/ld-linux-x86-64.so.2" if IS_X86 else "/lib/ld-linux-aarch64.so.1"
    )
    path = f"/tmp/.probe-loaded-{os.getpid()}"
    shutil.copyfile(sys.executable, path)
    command = [loader, path, "-I", "-S", "-c", f"import os; os._exit({RAN})"]
    try:
        return ran_in_child(lambda: os.execve(loader, command, ENVIRONMENT))
    except RuntimeError as error:
        # What it can't map, it complains of.
        if "exited 127" in str(error):
            raise Prevented("the loader could not map it") from None
        raise
    finally:
        os.unlink(path)


@attempt("exec-copy", open_to_everyone=True)
def exec_copy(facts):
    """A copy of a program that may be started is one that the plugin wrote."""
    return execute_in_scratch(make_program)


@attempt("exec-symbolic-link", {"ENOENT"}, open_to_everyone=True)
def exec_symbolic_link(facts):
    """A link to a program is the program."""
    return execute_in_scratch(
        lambda path: os.symlink("/bin/sh", path), shell_arguments()
    )


@attempt("exec-hard-link", {"ENOENT", "EXDEV"})
def exec_hard_link(facts):
    """A program gets no second name where it may be started."""
    return execute_in_scratch(
        lambda path: os.link("/bin/sh", path), shell_arguments()
    )


@attempt("exec-script-chain", {"ENOENT"}, open_to_everyone=True)
def exec_script_chain(facts):
    """A script whose interpreter is a script whose interpreter is a shell starts
    none of them."""
    inner = f"/tmp/.probe-inner-{os.getpid()}"
    make_program(inner, f"#!/bin/sh\nexit {RAN}\n".encode())
    try:
        return execute_in_scratch(
            lambda path: make_program(path, f"#!{inner}\n".encode())
        )
    finally:
        os.unlink(inner)


@attempt("exec-other-path", {"ENOENT"}, open_to_everyone=True)
def exec_other_path(facts):
    """A program of a listed name in another directory of PATH isn't that one."""
    directory = f"/tmp/.probe-path-{os.getpid()}"
    os.mkdir(directory)
    make_program(f"{directory}/true")
    try:
        return ran_in_child(
            lambda: os.execvpe("true", ["true"], {"PATH": directory})
        )
    finally:
        os.unlink(f"{directory}/true")
        os.rmdir(directory)


@attempt("exec-undumpable", {"ENOENT"}, open_to_everyone=True)
def exec_undumpable(facts):
    """A process whose memory nobody may read is refused as any other
    (PR_SET_DUMPABLE of prctl(2))."""

    def start():
        system_call(157 if IS_X86 else 167, 4, 0, 0, 0, 0)
        os.execve("/bin/sh", shell_arguments(), ENVIRONMENT)

    return ran_in_child(start)


@attempt("exec-unreadable-path", {"EFAULT"})
def exec_unreadable_path(facts):
    """A path that lies nowhere is refused, whoever tries to read it."""

    def start():
        arguments = (ctypes.c_char_p * 2)(b"sh", None)
        for address in (1, 2**64 - 1, 2**47 - 1):
            try:
                system_call(59 if IS_X86 else 221, address, arguments, 0)
            except OSError as error:
                last = error
        raise last

    return ran_in_child(start)
