#!/usr/bin/env python3
"""Times what never asks for durability, through sluicefs and through other pass-through file systems.

Each contender mounts a directory of its own on the same backing file system. In every round each of them does
all the work once, one after the other, in an order that turns from round to round; medians of the rounds are
compared. A contender whose program is not given is left out, with a line that says so. Needs root.

    tests/bench/plain_path.py --sluicefs build/release/bin/sluicefs --on /some/ext4 \\
        --bindfs "$(command -v bindfs)" --passthrough-ll PATH --passthrough-hp PATH
"""

import argparse
import ctypes
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

FILES = 10_000
FILES_IN_DIRECTORY = 100
FILE_BYTES = 4096
NAMES = 5_000
BLOCK = 128 << 10
LARGE_BYTES = 128 << 20
PAGE = 4096
PAGES = 8_000
DEADLINE_S = 30


class Contender:
    """A way to see the directory `source` at `seen`."""

    def __init__(self, name, base, command):
        self.name = name
        self.source = os.path.join(base, name, "source")
        self.seen = os.path.join(base, name, "mount") if command else self.source
        self._command = command
        self._process = None
        for directory in (self.source, self.seen):
            os.makedirs(directory, exist_ok=True)

    def mount(self):
        if not self._command:
            return
        words = [word.format(source=self.source, mount=self.seen) for word in self._command]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet)
        wait_for(lambda: os.path.ismount(self.seen), f"{self.name} to mount")

    def unmount(self):
        sync_file_system(self.source)  # Outside of what is timed, lest one contender writes for the next.
        if not self._process:
            return
        wait_for(lambda: subprocess.run(["umount", self.seen], check=False).returncode == 0, "umount")
        self._process.wait(DEADLINE_S)
        self._process = None

    def mount_anew(self):
        """Nothing is left in the mount's caches; the backing file system keeps its own."""
        self.unmount()
        self.mount()

    def clean_up(self):
        if self._process:
            subprocess.run(["umount", "-l", self.seen], check=False)
            self._process.terminate()
            self._process.wait(DEADLINE_S)


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.01)


def sync_file_system(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(descriptor)


def timed(work, *arguments):
    begin = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begin


# ---- The work ----


def make_archive(path):
    content = os.path.join(path, "content")
    os.makedirs(content)
    for number in range(FILES):
        directory = os.path.join(content, f"directory-{number // FILES_IN_DIRECTORY:03}")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f"file-{number:05}"), "wb") as file:
            file.write(os.urandom(FILE_BYTES))
    with tarfile.open(os.path.join(path, "files.tar"), "w") as archive:
        archive.add(content, "content")
    shutil.rmtree(content)
    return os.path.join(path, "files.tar")


def untar(archive, directory):
    subprocess.run(["tar", "-xf", archive, "-C", directory], check=True)


def find(directory):
    subprocess.run(["find", directory, "-type", "f", "-size", "+1G"], check=True)


def paths_of(directory):
    return [os.path.join(at, name) for at, _, names in os.walk(directory) for name in names]


def stat_all(paths):
    for path in paths:
        os.stat(path)


def create(directory):
    for number in range(NAMES):
        os.close(os.open(f"{directory}/name-{number:05}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def unlink(directory):
    for number in range(NAMES):
        os.unlink(f"{directory}/name-{number:05}")


def with_file(path, flags, work):
    descriptor = os.open(path, flags, 0o644)
    try:
        work(descriptor)
    finally:
        os.close(descriptor)


def write_sequentially(path):
    block = os.urandom(BLOCK)

    def work(descriptor):
        for at in range(0, LARGE_BYTES, BLOCK):
            os.pwrite(descriptor, block, at)

    with_file(path, os.O_WRONLY | os.O_CREAT, work)


def read_sequentially(path):
    def work(descriptor):
        while os.read(descriptor, BLOCK):
            pass

    with_file(path, os.O_RDONLY, work)


def random_offsets():
    lot = random.Random(1)
    return [lot.randrange(LARGE_BYTES // PAGE) * PAGE for _ in range(PAGES)]


def write_randomly(path):
    page = os.urandom(PAGE)
    offsets = random_offsets()
    with_file(path, os.O_WRONLY, lambda file: [os.pwrite(file, page, at) for at in offsets])


def read_randomly(path):
    offsets = random_offsets()

    def work(descriptor):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        for at in offsets:
            os.pread(descriptor, PAGE, at)

    with_file(path, os.O_RDONLY, work)


def one_round(contender, archive):
    """Everything once; seconds by the name of the work."""
    took = {}
    seen = contender.seen
    contender.mount()
    took[f"untar of {FILES} files"] = timed(untar, archive, seen)
    contender.mount_anew()
    took["find, cold"] = timed(find, seen)
    took["find, again"] = timed(find, seen)
    paths = paths_of(contender.source)
    paths = [seen + path[len(contender.source) :] for path in paths]
    contender.mount_anew()
    took["stat, cold"] = timed(stat_all, paths)
    took["stat, again"] = timed(stat_all, paths)
    names = os.path.join(seen, "names")
    os.mkdir(names)
    took[f"create {NAMES}"] = timed(create, names)
    contender.mount_anew()
    took[f"unlink {NAMES}"] = timed(unlink, names)
    large = os.path.join(seen, "large")
    took["write 128 KiB, sequential"] = timed(write_sequentially, large)
    contender.mount_anew()
    took["read 128 KiB, sequential"] = timed(read_sequentially, large)
    contender.mount_anew()
    took["read 4 KiB, random"] = timed(read_randomly, large)
    took["write 4 KiB, random"] = timed(write_randomly, large)
    took["rm -r"] = timed(shutil.rmtree, os.path.join(seen, "content"))
    os.unlink(large)
    os.rmdir(names)
    contender.unmount()
    return took


# ---- The comparison ----


def contenders(options, base):
    known = {
        "native": [],
        "sluicefs": options.sluicefs and [options.sluicefs, "-f", "{source}", "{mount}"],
        "sluicefs-earlier": options.earlier and [options.earlier, "-f", "{source}", "{mount}"],
        # The others' "always" takes the source for nobody else's.
        "sluicefs-24h": options.sluicefs
        and [options.sluicefs, "-f", "-o", "entry-timeout=24h,attr-timeout=24h", "{source}", "{mount}"],
        "passthrough_ll": options.passthrough_ll
        and [options.passthrough_ll, "-f", "-o", "source={source}", "{mount}"],
        "passthrough_ll-always": options.passthrough_ll
        and [options.passthrough_ll, "-f", "-o", "source={source},cache=always", "{mount}"],
        "passthrough_hp": options.passthrough_hp
        and [options.passthrough_hp, "--foreground", "{source}", "{mount}"],
        "bindfs": options.bindfs and [options.bindfs, "-f", "{source}", "{mount}"],
    }
    for name in [name for name, command in known.items() if command is None]:
        print(f"{name}: left out, no program was given")
    chosen = {name: command for name, command in known.items() if command is not None}
    if options.only:
        chosen = {name: chosen[name] for name in options.only.split(",")}
    return [Contender(name, base, command) for name, command in chosen.items()]


def spread(values):
    """Half the distance between the quartiles, in percent of the median."""
    if len(values) < 4:
        return 0
    low, middle, high = statistics.quantiles(values, n=4)
    return round((high - low) / 2 / middle * 100)


def print_table(results, everybody):
    print("\nmedian seconds (spread), and how many times as long as sluicefs")
    works = list(results[0][everybody[0].name])
    for work in works:
        print(f"\n{work}")
        times = {one.name: [done[one.name][work] for done in results] for one in everybody}
        ours = times.get("sluicefs") or times[everybody[0].name]
        for name, seconds in times.items():
            ratio = statistics.median(theirs / own for theirs, own in zip(seconds, ours))
            print(f"  {name:22} {statistics.median(seconds):8.4f} s (±{spread(seconds):2}%)  {ratio:6.2f} x")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--on", default="/tmp", help="directory on the backing file system")
    parser.add_argument("--rounds", type=int, default=9)
    for program in ("sluicefs", "bindfs", "passthrough-ll", "passthrough-hp"):
        parser.add_argument(f"--{program}")
    parser.add_argument("--earlier", help="another build of sluicefs, to compare with")
    parser.add_argument("--only", help="some of the contenders, separated by commas")
    options = parser.parse_args()

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # Some hold a descriptor for each inode.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # Cleans up.
    base = tempfile.mkdtemp(prefix="plain-path-", dir=options.on)
    everybody = contenders(options, base)
    results = []
    try:
        archive = make_archive(base)
        one_round(everybody[0], archive)  # Warms the caches of the backing file system; not counted.
        for number in range(options.rounds):
            turn = number % len(everybody)
            order = everybody[turn:] + everybody[:turn]
            results.append({one.name: one_round(one, archive) for one in order})
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        print_table(results, everybody)
    finally:
        for one in everybody:
            one.clean_up()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
