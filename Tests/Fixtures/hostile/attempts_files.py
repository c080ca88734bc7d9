"""Reading and writing what isn't the plugin's."""

import os
import stat

from harness import Prevented, attempt

HERE = os.path.dirname(os.path.abspath(__file__))
SCRATCH = ("/tmp", "/dev/shm")
ABSENT = {"ENOENT", "ENOTDIR"}


def read_something(paths):
    """The first of `paths` that can be read; the last error otherwise."""
    last = None
    for path in paths:
        try:
            with open(path, "rb") as file:
                return f"read {len(file.read(4096))} bytes of {path}"
        except OSError as error:
            last = error
    if last is None:
        raise Prevented("no such path")
    raise last


def places():
    """Where a search has to start: a directory that can't be listed, such as the
    sandbox's root, hides what may be reached by name."""
    found = ["/", "/..", "/../..", HERE, os.path.join(HERE, "..")]
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        found += [line.split()[4] for line in table]
    for name in (
        "bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "root",
        "run", "sbin", "srv", "tmp", "usr", "var", "var/tmp", "var/lib", "plugin",
        "sdk", "workspace", "old", "oldroot", "host", ".old_root",
    ):
        found.append(f"/{name}")
    return list(dict.fromkeys(found))


def walk():
    """Every directory that can be reached, once, by the name that has no link in it,
    with the entries in it that are files."""
    seen = set()
    left = [os.path.realpath(start) for start in places()]
    while left:
        directory = left.pop()
        if directory.startswith(("/proc", "/sys")):
            continue
        files = []
        try:
            status = os.stat(directory)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        files.append(entry)
        except OSError:
            # It can't be listed; what it is may still be asked.
            pass
        yield directory, files


@attempt("read-shadow", ABSENT)
def read_shadow(facts):
    """No plugin reads the host's password hashes."""
    return read_something(
        prefix + name
        for prefix in ("", "/proc/1/root", "/proc/self/root", "/../../../..")
        for name in ("/etc/shadow", "/etc/gshadow", "/etc/shadow-")
    )


@attempt("read-host-file", ABSENT, open_to_everyone=True)
def read_host_file(facts):
    """A file of the host that any user may read doesn't exist in a sandbox."""
    return read_something([facts["file"], "/proc/1/root" + facts["file"]])


@attempt("read-home-directories", ABSENT)
def read_home_directories(facts):
    """No plugin sees the operator's home directory."""
    names = [
        f"{home}/{user}"
        for home in ("/home", "/root", "/Users")
        for user in os.listdir(home)
    ]
    if not names:
        raise Prevented("there are none")
    return f"saw {names[:5]}"


@attempt("read-other-plugin", ABSENT, open_to_everyone=True)
def read_other_plugin(facts):
    """A plugin's files are visible to that plugin only."""
    return read_something([os.path.join(facts["directory"], "plugin.yaml")])


@attempt("find-other-plugins")
def find_other_plugins(facts):
    """However a plugin searches, it finds no manifest but its own."""
    found = []
    here = os.path.realpath(HERE)
    for directory, files in walk():
        # In a checkout the templates of `plugin new` and the program's own
        # services lie beside the package `pipeline`.
        inside = directory.startswith(
            (here, "/sdk/templates/", "/sdk/services/")
        )
        if not inside and any(file.name == "plugin.yaml" for file in files):
            found.append(directory)
    if not found:
        raise Prevented("there is none")
    return f"found {found[:5]}"


def writable_places():
    """Every directory outside scratch in which a file can be made, and every
    file that can be opened for writing."""
    allowed = []
    for directory, files in walk():
        if directory.startswith(SCRATCH):
            continue
        probe = os.path.join(directory, ".probe")
        try:
            os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            os.unlink(probe)
            allowed.append(directory)
        except OSError:
            pass
        for file in files[:200]:
            try:
                handle = os.open(file.path, os.O_WRONLY)
            except OSError:
                continue
            # The entry is that of the file which a device was mounted over.
            if stat.S_ISREG(os.fstat(handle).st_mode):
                allowed.append(file.path)
            os.close(handle)
    return allowed


@attempt("write-anywhere")
def write_anywhere(facts):
    """A plugin writes nowhere but in its scratch and in what was granted."""
    granted = facts.get("writable", [])
    found = [
        path
        for path in writable_places()
        if not any(path == g or path.startswith(g + "/") for g in granted)
    ]
    if not found:
        raise Prevented("every directory and file refused")
    return f"wrote at {found[:5]}"


@attempt("change-own-code", {"ENOENT"}, open_to_everyone=False)
def change_own_code(facts):
    """A plugin can't change its own files: the next run is the code that was
    granted."""
    with open(os.path.join(HERE, "plugin.py"), "r+b") as file:
        return f"opened {file.name} for writing"


@attempt("change-own-mode")
def change_own_mode(facts):
    """A plugin can't change the mode of its own files."""
    os.chmod(os.path.join(HERE, "plugin.py"), 0o777)
    return "changed the mode"


@attempt("write-host-file", ABSENT, open_to_everyone=True)
def write_host_file(facts):
    """A world-writable file of the host can't be reached."""
    with open(facts["writable_file"], "ab") as file:
        return f"opened {file.name}"


@attempt("link-out-of-scratch", ABSENT, open_to_everyone=True)
def link_out_of_scratch(facts):
    """A symbolic link in scratch leads nowhere outside the sandbox."""
    link = f"/tmp/.probe-link-{os.getpid()}"
    os.symlink(facts["file"], link)
    try:
        return read_something([link])
    finally:
        os.unlink(link)


@attempt("hard-link-into-scratch", {"EXDEV", "ENOENT"})
def hard_link_into_scratch(facts):
    """A file can't be linked into scratch, where it could be changed."""
    target = f"/tmp/.probe-hard-{os.getpid()}"
    os.link(os.path.join(HERE, "plugin.py"), target)
    os.unlink(target)
    return "linked its own code into scratch"


@attempt("set-user-id-file", open_to_everyone=True)
def set_user_id_file(facts):
    """No file is left behind that runs as its owner."""
    path = f"/tmp/.probe-suid-{os.getpid()}"
    open(path, "wb").close()
    try:
        os.chmod(path, 0o4755)
        return "made a set-user-ID file"
    finally:
        os.unlink(path)


@attempt("create-set-user-id-file", open_to_everyone=True)
def create_set_user_id_file(facts):
    """open(2) can't create what chmod(2) may not make."""
    path = f"/tmp/.probe-suid-new-{os.getpid()}"
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o4755)
    os.close(descriptor)
    made = os.stat(path).st_mode & 0o7000
    os.unlink(path)
    if not made:
        raise Prevented("the bits were dropped")
    return "made a set-user-ID file"


@attempt("set-group-id-directory")
def set_group_id_directory(facts):
    """mkdir(2) makes no set-group-ID directory."""
    path = f"/tmp/.probe-sgid-{os.getpid()}"
    os.mkdir(path, 0o2755)
    made = os.stat(path).st_mode & 0o6000
    os.rmdir(path)
    if not made:
        raise Prevented("the bits were dropped")
    return "made a set-group-ID directory"


@attempt("make-device-nodes")
def make_device_nodes(facts):
    """Devices can't be made, and with them neither memory nor disks read."""
    last = None
    for kind, major, minor in (
        (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 5, 1), (stat.S_IFBLK, 8, 0),
        (stat.S_IFBLK, 254, 0),
    ):
        path = f"/tmp/.probe-node-{os.getpid()}"
        try:
            os.mknod(path, kind | 0o666, os.makedev(major, minor))
            os.unlink(path)
            return f"made device {major}:{minor}"
        except OSError as error:
            last = error
    raise last


@attempt("open-devices")
def open_devices(facts):
    """/dev holds seven harmless devices and nothing else."""
    harmless = {
        "null", "zero", "full", "random", "urandom", "shm", "fd", "stdin",
        "stdout", "stderr",
    }
    others = []
    for name in sorted(set(os.listdir("/dev")) - harmless):
        try:
            os.close(os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))
            others.append(name)
        except OSError:
            pass
    if not others:
        raise Prevented("there is no other device")
    return f"opened {others}"


@attempt("fake-devices")
def fake_devices(facts):
    """What is called /dev/null is the kernel's null device."""
    expected = {
        "null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8),
        "urandom": (1, 9),
    }
    for name, numbers in expected.items():
        found = os.stat(f"/dev/{name}").st_rdev
        if (os.major(found), os.minor(found)) != numbers:
            return f"/dev/{name} is {os.major(found)}:{os.minor(found)}"
    raise Prevented("each is what it says")


@attempt("change-kernel-settings", ABSENT)
def change_kernel_settings(facts):
    """No setting of the kernel can be written; core_pattern names a program that
    runs as root (CVE-2022-0811)."""
    last = None
    for path in (
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger",
        "/sys/kernel/uevent_helper",
    ):
        try:
            os.close(os.open(path, os.O_WRONLY))
            return f"opened {path} for writing"
        except OSError as error:
            last = error
    raise last


@attempt("read-kernel-secrets", ABSENT, open_to_everyone=True)
def read_kernel_secrets(facts):
    """procfs shows processes and nothing of the kernel or the host."""
    return read_something(
        (
            "/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/cmdline",
            "/proc/config.gz", "/proc/meminfo",
            "/sys/kernel/notes", "/sys/class/dmi/id/product_uuid",
        )
    )


@attempt("read-host-sysfs", ABSENT, open_to_everyone=True)
def read_host_sysfs(facts):
    """There is no sysfs: no hardware, no network interfaces, no cgroups."""
    return f"saw {os.listdir('/sys')}"


@attempt("mounts-honour-set-user-id", {"ENOENT"}, open_to_everyone=True)
def mounts_honour_set_user_id(facts):
    """Every mount ignores set-user-ID bits."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        lines = table.read().splitlines()
    without = [
        line.split()[4] for line in lines
        if "nosuid" not in line.split()[5].split(",")
    ]
    if not without:
        raise Prevented(f"{len(lines)} mounts, each nosuid")
    return f"without nosuid: {without[:5]}"


@attempt("step-above-root")
def step_above_root(facts):
    """`/..` is `/`: nothing is mounted over or beneath the root."""
    root = os.stat("/")
    for path in ("/..", "/../..", "/proc/../..", "/proc/self/root/.."):
        other = os.stat(path)
        if (other.st_dev, other.st_ino) != (root.st_dev, root.st_ino):
            return f"{path} is another directory, on device {other.st_dev}"
    raise Prevented("it is")


@attempt("mount-table-names-host-paths", {"ENOENT"}, open_to_everyone=True)
def mount_table_names_host_paths(facts):
    """The tree of the host isn't mounted anywhere, not even hidden: after
    pivot_root the old root is gone."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        mounts = [line.split() for line in table]
    roots = [fields for fields in mounts if fields[4] == "/"]
    if roots and all("tmpfs" in fields for fields in roots):
        raise Prevented("no root but the sandbox's own tmpfs")
    return f"roots: {[' '.join(fields) for fields in roots]}"
