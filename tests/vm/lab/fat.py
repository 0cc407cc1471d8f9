# SPDX-License-Identifier: LGPL-2.1-or-later
"""A FAT32 image as firmware reads it: folders, long names, chains of clusters. Reads bytes only; what is
broken reads as not there, as a driver would have it."""
import struct


class Image:
    """`data` is the image, which the caller may change between calls of refresh()."""

    def __init__(self, data):
        self.data = data
        self.refresh()

    def refresh(self):
        d = self.data
        self.sector = struct.unpack_from("<H", d, 11)[0]
        self.per_cluster = d[13]
        reserved = struct.unpack_from("<H", d, 14)[0]
        self.fats = d[16]
        self.fat_sectors = struct.unpack_from("<I", d, 36)[0]
        self.root = struct.unpack_from("<I", d, 44)[0]
        self.fat = reserved * self.sector
        self.area = self.fat + self.fats * self.fat_sectors * self.sector
        self.cluster = self.sector * self.per_cluster

    def next(self, cluster):
        return struct.unpack_from("<I", self.data, self.fat + 4 * cluster)[0] & 0x0fffffff

    def clusters(self, first, limit=100000):
        out = []
        while 2 <= first < 0x0ffffff7 and len(out) < limit:
            out.append(first)
            first = self.next(first)
        return out

    def chain(self, first, limit=100000):
        out = []
        while 2 <= first < 0x0ffffff7 and len(out) < limit:
            start = self.area + (first - 2) * self.cluster
            if start + self.cluster > len(self.data):
                break
            out.append(self.data[start:start + self.cluster])
            first = self.next(first)
        return b"".join(out)

    def list(self, first):
        """{name: (first cluster, size, is folder)} of a folder."""
        out, long_name, checksum = {}, {}, None
        raw = self.chain(first)
        for at in range(0, len(raw), 32):
            e = raw[at:at + 32]
            if e[0] == 0:
                break
            if e[0] == 0xe5:
                long_name = {}
                continue
            if e[11] & 0x3f == 0x0f:
                if e[0] & 0x40:
                    long_name, checksum = {}, e[13]
                if e[13] == checksum:
                    long_name[e[0] & 0x1f] = e[1:11] + e[14:26] + e[28:32]
                continue
            if e[11] & 8:
                long_name = {}
                continue
            name = self.name(e, long_name, checksum)
            long_name = {}
            first_cluster = struct.unpack_from("<H", e, 20)[0] << 16 | struct.unpack_from("<H", e, 26)[0]
            if name not in (".", ".."):
                out[name] = (first_cluster, struct.unpack_from("<I", e, 28)[0], bool(e[11] & 0x10))
        return out

    @staticmethod
    def name(e, long_name, checksum):
        short_sum = 0
        for b in e[:11]:
            short_sum = ((short_sum & 1) << 7 | short_sum >> 1) + b & 0xff
        if long_name and short_sum == checksum and sorted(long_name) == list(range(1, len(long_name) + 1)):
            raw = b"".join(long_name[i] for i in sorted(long_name))
            return raw.decode("utf-16le", "replace").split("\0")[0]
        base, suffix = e[:8].decode("latin-1").rstrip(), e[8:11].decode("latin-1").rstrip()
        return base + ("." + suffix if suffix else "")

    def folder(self, path):
        at = self.root
        for part in path.strip("/").split("/"):
            found = {n.lower(): v for n, v in self.list(at).items()}.get(part.lower())
            if not found or not found[2]:
                return None
            at = found[0]
        return at

    def files(self, path):
        """{name: (first cluster, size)} of a folder; empty when it is not there."""
        at = self.folder(path)
        return {} if at is None else {n: v[:2] for n, v in self.list(at).items() if not v[2]}

    def content(self, first, size):
        data = self.chain(first, size // self.cluster + 1) if size else b""
        return data[:size] if len(data) >= size else None
