#!/usr/bin/env python3
"""describe_tree.py DIRECTORY: prints all that a copy of a tree must keep, a line for each name, in their order.

Kind, mode, owner, size, time of change in nanoseconds, device number, target, holes, a digest of the bytes, extended
attributes (ACLs and file capabilities are such), and for files with several names the first of them.
"""

import hashlib
import os
import stat
import sys

BLOCK = 4096


def data_ranges(descriptor, size):
    """Of whole blocks, for a block is a hole if all of it is."""
    found, position = [], 0
    while position < size:
        try:
            data = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            data = size
        if data >= size:
            break
        position = os.lseek(descriptor, data, os.SEEK_HOLE)
        found.append((data // BLOCK * BLOCK, -(-position // BLOCK) * BLOCK))
    return found


def describe_file(path, size):
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        data = data_ranges(file.fileno(), size)
        for begin, end in data:
            file.seek(begin)
            digest.update(file.read(end - begin))
        return f"{digest.hexdigest()[:16]}, data in {data}"


def describe(path, name, first_names):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    facts = [f"{status.st_mode:o}", f"{status.st_uid}:{status.st_gid}", f"mtime {status.st_mtime_ns}"]
    if kind == stat.S_IFREG:
        facts += [f"size {status.st_size}", describe_file(path, status.st_size)]
    if kind == stat.S_IFLNK:
        facts.append(f"to {os.readlink(path)!r}")
    if kind in (stat.S_IFBLK, stat.S_IFCHR):
        facts.append(f"device {status.st_rdev:x}")
    if kind != stat.S_IFDIR and status.st_nlink > 1:
        first = first_names.setdefault((status.st_dev, status.st_ino), name)
        facts.append(f"links {status.st_nlink}, first {first!r}")
    for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
        facts.append(f"{attribute}={os.getxattr(path, attribute, follow_symlinks=False).hex()}")
    return f"{name!r}: " + ", ".join(facts)


def names_below(directory, prefix=b""):
    """Goes down by descriptor, for a path may be longer than a call takes."""
    yield prefix or b"."
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = os.path.join(prefix, entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield from names_below(entry.path, name)
        else:
            yield name


def main():
    root = os.fsencode(sys.argv[1])
    first_names = {}
    for name in names_below(root):
        print(describe(os.path.join(root, name), name, first_names))


main()
