"""Each rule finds what it is for and leaves the rest alone."""

import unittest

import rules

TREE = {"engine/base/include/sluice/result.h", "engine/include/sluice/epochs.h", "engine/src/sync_queue.h",
        "fs/mount/mount.h", "fs/source/tree.h", "fs/ops/core.h", "mount-helpers/options.h"}


def include(header):
    return f'#include "{header}"\n'


class Direction(unittest.TestCase):
    def findings(self, path, header):
        return rules.wrong_direction(path, include(header), TREE)

    def test_engine_may_not_include_fs(self):
        self.assertTrue(self.findings("engine/src/drain.cc", "mount/mount.h"))
        self.assertTrue(self.findings("engine/src/drain.cc", "../../fs/mount/mount.h"))

    def test_inside_fs_the_source_knows_nothing_above_it(self):
        self.assertTrue(self.findings("fs/source/tree.cc", "ops/core.h"))
        self.assertTrue(self.findings("fs/ops/dispatch.cc", "mount/mount.h"))
        self.assertEqual(self.findings("fs/ops/dispatch.cc", "source/tree.h"), [])

    def test_base_may_not_include_engine(self):
        self.assertTrue(self.findings("engine/base/src/check.cc", "sluice/epochs.h"))

    def test_mount_helpers_may_include_base_only(self):
        self.assertTrue(self.findings("mount-helpers/main.cc", "sluice/epochs.h"))
        self.assertEqual(self.findings("mount-helpers/main.cc", "sluice/result.h"), [])
        self.assertEqual(self.findings("mount-helpers/main.cc", "options.h"), [])

    def test_downwards_is_allowed(self):
        self.assertEqual(self.findings("fs/mount/mount.cc", "sluice/epochs.h"), [])
        self.assertEqual(self.findings("engine/src/drain.cc", "sluice/result.h"), [])

    def test_tests_may_include_every_room(self):
        self.assertEqual(self.findings("tests/engine/queue_test.cc", "sync_queue.h"), [])


class Libraries(unittest.TestCase):
    def test_fuse_is_for_two_rooms_of_fs_and_tests(self):
        for header in ("fuse_lowlevel.h", "fuse3/fuse.h", "linux/fuse.h"):
            self.assertTrue(rules.wrong_library("engine/src/aio.cc", include(header)), header)
            self.assertTrue(rules.wrong_library("fs/source/tree.cc", include(header)), header)
            self.assertEqual(rules.wrong_library("fs/wire/wire.cc", include(header)), [], header)
            self.assertEqual(rules.wrong_library("tests/disk/server.cc", include(header)), [], header)

    def test_liburing_is_for_one_backend(self):
        self.assertTrue(rules.wrong_library("engine/src/sync_engine.cc", "#include <liburing.h>\n"))
        self.assertTrue(rules.wrong_library("fs/ops_data.cc", "#include <liburing/io_uring.h>\n"))
        self.assertEqual(rules.wrong_library("engine/src/uring_backend.cc", "#include <liburing.h>\n"), [])


class Form(unittest.TestCase):
    def test_length_has_a_limit(self):
        self.assertEqual(rules.too_long("fs/a.cc", "x\n" * rules.MAX_LINES), [])
        self.assertTrue(rules.too_long("fs/a.cc", "x\n" * (rules.MAX_LINES + 1)))

    def test_names_are_snake_case(self):
        for name in ("Mount.cc", "mount-table.h", "mount.cpp", "mount.hpp"):
            self.assertTrue(rules.bad_name("fs/" + name), name)
        self.assertEqual(rules.bad_name("fs/node_table.cc"), [])

    def test_headers_are_guarded(self):
        self.assertTrue(rules.unguarded_header("fs/a.h", "int a();\n"))
        self.assertEqual(rules.unguarded_header("fs/a.h", "#pragma once\n\nint a();\n"), [])
        self.assertEqual(rules.unguarded_header("fs/a.cc", "int a();\n"), [])

    def test_open_questions_name_an_issue(self):
        self.assertTrue(rules.open_questions("fs/a.cc", "// TODO: later\n"))
        self.assertTrue(rules.open_questions("fs/a.cc", "// FIXME(me)\n"))
        self.assertEqual(rules.open_questions("fs/a.cc", "// TODO(#12): later\n"), [])

    def test_links_lead_somewhere(self):
        there = {"docs/design.md"}.__contains__
        self.assertTrue(rules.broken_links("README.md", "[design](docs/desing.md)", there))
        self.assertEqual(rules.broken_links("README.md", "[design](docs/design.md#rooms)", there), [])
        self.assertEqual(rules.broken_links("docs/testing.md", "[design](design.md)", there), [])
        self.assertEqual(rules.broken_links("README.md", "[web](https://example.org/x)", there), [])


if __name__ == "__main__":
    unittest.main()
