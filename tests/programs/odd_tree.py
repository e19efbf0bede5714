#!/usr/bin/env python3
"""odd_tree.py DIRECTORY: makes a tree with everything in it that a copy may lose."""

import os
import stat
import struct
import sys

TIMES = [-1_000_000_000_999_999_999, -1, 0, 1, 999_999_999, 1_700_000_000_123_456_789, 5_000_000_000_000_000_001]
OWNERS = [(0, 0), (1, 2), (1000, 1000), (65534, 65534), (4_000_000_000, 4_000_000_001)]
MODES = [0o000, 0o400, 0o644, 0o777, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777]
NAMES = ["-rf", " ", "new\nline", "*", "\\", "'\"", "tab\t", "ünï", b"\xff\xfe not UTF-8", "n" * 255, "ü" * 127]

# CAP_NET_RAW, permitted and effective (struct vfs_cap_data, revision 2).
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)


def acl(entries):
    """As the kernel takes it: (tag, permissions, id) each, in the order of the tags."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
ACL = acl([(1, 6, NOBODY), (2, 4, 1000), (2, 7, 1001), (4, 4, NOBODY), (8, 5, 50), (0x10, 7, NOBODY), (0x20, 0, NOBODY)])


def write(path, data=b"x"):
    with open(path, "wb") as file:
        file.write(data)


def make_files():
    for number, name in enumerate(NAMES):
        write(name, b"%d" % number * 1000 * number)
    for mode in MODES:
        write(f"mode{mode:o}")
        os.chmod(f"mode{mode:o}", mode)
        os.mkdir(f"directory{mode:o}")
        os.chmod(f"directory{mode:o}", mode)
    for number, (uid, gid) in enumerate(OWNERS):
        write(f"owner{number}")
        os.chown(f"owner{number}", uid, gid)
        os.symlink("nowhere", f"link{number}")
        os.lchown(f"link{number}", uid, gid)
    write("large", bytes(range(256)) * 20_000)


def make_sparse():
    for name, size, data in [
        ("all_hole", 8 << 20, []),
        ("islands", 20 << 20, [0, 10 << 20, (20 << 20) - 10]),
        ("hole_at_end", (1 << 20) + 1, [4096]),
    ]:
        with open(f"sparse_{name}", "wb") as file:
            file.truncate(size)
            for offset in data:
                os.pwrite(file.fileno(), b"data" * 2, offset)


def make_links():
    os.mkdir("names")
    write("one", b"several names")
    for number in range(40):
        os.link("one", f"names/{number}")
    os.symlink("one", "symlink")
    os.link("symlink", "names/symlink", follow_symlinks=False)
    os.symlink("t" * 4000, "long_target")
    deep = "deep"
    for _ in range(12):
        os.mkdir(deep)
        deep = os.path.join(deep, "d" * 230)
    write(deep)


def make_special():
    os.mkfifo("fifo", 0o640)
    os.mknod("character", stat.S_IFCHR | 0o620, os.makedev(5, 1))
    os.mknod("block", stat.S_IFBLK | 0o660, os.makedev(259, 70_000))


def make_attributes():
    write("user")
    for number in range(20):
        os.setxattr("user", f"user.n{number}", bytes(range(number * 5)))
    write("trusted")
    os.setxattr("trusted", "trusted.t", b"\0\1\2")
    os.setxattr("symlink", "trusted.of_link", b"link", follow_symlinks=False)
    write("capable")
    os.setxattr("capable", "security.capability", CAPABILITY)
    write("acl")
    os.setxattr("acl", "system.posix_acl_access", ACL)
    os.mkdir("inherits")
    os.setxattr("inherits", "system.posix_acl_default", ACL)
    write("inherits/child")


def set_times():
    number = 0
    for directory, directories, files in os.walk(b".", topdown=False):
        for name in sorted(files) + sorted(directories):
            time = TIMES[number % len(TIMES)]
            os.utime(os.path.join(directory, name), ns=(0, time), follow_symlinks=False)
            number += 1


def main():
    os.umask(0o022)
    os.chdir(sys.argv[1])
    for make in (make_files, make_sparse, make_links, make_special, make_attributes, set_times):
        make()


main()
