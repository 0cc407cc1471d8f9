#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""embed.py OUTPUT FILE… : the files' bytes as the C table profiles[] of policy/profile.c."""
import pathlib
import sys

lines = ["static const struct {", "\tconst char *name;", "\tconst unsigned char *text;",
         "\tsize_t len;", "} profiles[] = {"]
arrays = []
for n, file in enumerate(sys.argv[2:]):
    path = pathlib.Path(file)
    data = path.read_bytes()
    body = ",".join(str(b) for b in data)
    arrays.append(f"static const unsigned char text{n}[] = {{ {body}, 0 }};")
    lines.append(f'\t{{ "{path.stem}", text{n}, {len(data)} }},')
lines.append("};")
pathlib.Path(sys.argv[1]).write_text("\n".join(arrays + lines) + "\n")
