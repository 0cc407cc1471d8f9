#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""embed.py TABLE OUTPUT FILE… : the files' bytes as a C table: name, text, length."""
import pathlib
import sys

lines = ["static const struct {", "\tconst char *name;", "\tconst unsigned char *text;",
         "\tsize_t len;", "} " + sys.argv[1] + "[] = {"]
arrays = []
for n, file in enumerate(sys.argv[3:]):
    path = pathlib.Path(file)
    data = path.read_bytes()
    body = ",".join(str(b) for b in data)
    arrays.append(f"static const unsigned char text{n}[] = {{ {body}, 0 }};")
    lines.append(f'\t{{ "{path.stem}", text{n}, {len(data)} }},')
lines.append("};")
pathlib.Path(sys.argv[2]).write_text("\n".join(arrays + lines) + "\n")
