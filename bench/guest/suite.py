# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test suite in Python as many are: many imports, many small cases, some that start the interpreter anew."""
import csv
import io
import json
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree
import zipfile


class Cases(unittest.TestCase):
    pass


def case(n):
    def test(self):
        rows = [[str(i * n), "x" * (i % 7)] for i in range(60)]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self.assertEqual(list(csv.reader(io.StringIO(text.getvalue()))), rows)
        self.assertEqual(json.loads(json.dumps(rows)), rows)
        self.assertEqual(len(re.findall(r"\d+", text.getvalue())), 60)
        self.assertEqual(len(tree.fromstring("<a>" + "<b/>" * n + "</a>")), n)
        with tempfile.TemporaryFile() as f:
            with zipfile.ZipFile(f, "w") as z:
                z.writestr("a", text.getvalue())
            self.assertGreater(f.tell(), 0)
        if n % 10 == 0:
            self.assertEqual(subprocess.run([sys.executable, __file__, "child"], check=True).returncode, 0)
    return test


for number in range(30):
    setattr(Cases, f"test_{number}", case(number))

if sys.argv[1:] == ["child"]:
    sys.exit(0)
unittest.main()
