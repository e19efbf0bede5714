"""Rules for source files that a machine can check. Pure: text in, findings out; test_tree.py reads the files."""

import os
import re

MAX_LINES = 600

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
FUSE_HEADER = re.compile(r"^(linux/fuse\.h|fuse\.h|fuse3?/.*|fuse_\w+\.h)$")
LIBURING_HEADER = re.compile(r"^liburing(\.h|/.*)$")
OPEN_QUESTION = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
SOURCE_NAME = re.compile(r"^[a-z][a-z0-9_]*\.(h|cc|c|py)$")

# A room may include what stands here, and nothing else of the project. Tests may include every room.
MAY_INCLUDE = {
    "base": {"base"},
    "engine": {"base", "engine"},
    "fs/process": {"base", "fs/process"},
    "fs/source": {"base", "engine", "fs/process", "fs/source"},
    "fs/wire": {"base", "engine", "fs/process", "fs/wire"},
    "fs/ops": {"base", "engine", "fs/process", "fs/source", "fs/wire", "fs/ops"},
    "fs/mount": {"base", "engine", "fs/process", "fs/source", "fs/wire", "fs/ops", "fs/mount"},
    "fs": {"base", "engine", "fs", "fs/process", "fs/source", "fs/wire", "fs/ops", "fs/mount"},
    "mount-helpers": {"base", "mount-helpers"},
}

# Who may know FUSE: the connection, what requests do, and main, which names libfuse's version.
KNOW_FUSE = {"fs/wire", "fs/ops", "fs"}


def room_of(path):
    """The room that a path of the tree belongs to, or None outside of them."""
    for prefix, room in (
        ("engine/base/", "base"),
        ("engine/", "engine"),
        ("fs/process/", "fs/process"),
        ("fs/source/", "fs/source"),
        ("fs/wire/", "fs/wire"),
        ("fs/ops/", "fs/ops"),
        ("fs/mount/", "fs/mount"),
        ("fs/", "fs"),
        ("mount-helpers/", "mount-helpers"),
        ("tests/", "tests"),
    ):
        if path.startswith(prefix):
            return room
    return None


def resolve(path, header, tree):
    """The file of the tree that `header`, included by the file `path`, means; None for a header of the system."""
    candidates = [os.path.normpath(os.path.join(os.path.dirname(path), header))]
    candidates += [root + header for root in ("engine/base/include/", "engine/include/", "engine/src/", "fs/")]
    return next((candidate for candidate in candidates if candidate in tree), None)


def wrong_direction(path, text, tree):
    """Includes that lead from a room to one that it may not know."""
    allowed = MAY_INCLUDE.get(room_of(path))
    if allowed is None:
        return []
    findings = []
    for header in INCLUDE.findall(text):
        target = resolve(path, header, tree)
        if target and room_of(target) not in allowed:
            findings.append(f"{path}: includes {target}")
    return findings


def wrong_library(path, text):
    """FUSE where nobody may know it, liburing outside the one backend."""
    if room_of(path) in (None, "tests"):
        return []
    findings = []
    for header in INCLUDE.findall(text):
        if FUSE_HEADER.match(header) and room_of(path) not in KNOW_FUSE:
            findings.append(f"{path}: includes {header}; only fs/wire and fs/ops know FUSE")
        if LIBURING_HEADER.match(header) and not path.startswith("engine/src/uring_backend."):
            findings.append(f"{path}: includes {header}; only engine/src/uring_backend does")
    return findings


def too_long(path, text):
    lines = text.count("\n")
    return [f"{path}: {lines} lines, at most {MAX_LINES}"] if lines > MAX_LINES else []


def bad_name(path):
    return [] if SOURCE_NAME.match(os.path.basename(path)) else [f"{path}: not snake_case.h, .cc, .c or .py"]


def unguarded_header(path, text):
    return [f"{path}: no #pragma once"] if path.endswith(".h") and "#pragma once\n" not in text else []


def open_questions(path, text):
    return [
        f"{path}:{number}: {match.group(1)} without an issue, as in {match.group(1)}(#12)"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := OPEN_QUESTION.search(line))
    ]


def broken_links(path, text, exists):
    """Relative links of a page in Markdown to files that are not there."""
    findings = []
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if re.match(r"^[a-z]+:", target):
            continue
        if not exists(os.path.normpath(os.path.join(os.path.dirname(path), target))):
            findings.append(f"{path}: links to {target}, which does not exist")
    return findings
