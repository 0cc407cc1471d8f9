# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that never answers for one sector: the network block device protocol, as little of it as QEMU asks for.

The fixed newstyle handshake and simple replies (NetworkBlockDevice/nbd, doc/proto.md). Who reads or writes the
sector waits for ever; everything else is served from a copy of the image in memory.
"""
import socket
import struct
import threading

MAGIC, HAVE_OPT, REPLY = b"NBDMAGIC", b"IHAVEOPT", 0x3E889045565A9
FIXED, NO_ZEROES, HAS_FLAGS = 1, 2, 1
EXPORT_NAME, ABORT, GO = 1, 2, 7
ACK, INFO, UNSUPPORTED = 1, 3, (1 << 31) + 1
READ, WRITE, DISCONNECT = 0, 1, 2
REQUEST, ANSWER = 0x25609513, 0x67446698


def take(peer, n):
    data = b""
    while len(data) < n:
        more = peer.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def negotiate(peer, size):
    """True when the client wants blocks."""
    peer.sendall(MAGIC + HAVE_OPT + struct.pack(">H", FIXED | NO_ZEROES))
    take(peer, 4)
    while True:
        _, option, length = struct.unpack(">8sII", take(peer, 16))
        take(peer, length)

        def reply(kind, data=b""):
            peer.sendall(struct.pack(">QIII", REPLY, option, kind, len(data)) + data)
        if option == EXPORT_NAME:
            peer.sendall(struct.pack(">QH", size, HAS_FLAGS))
            return True
        if option == GO:
            reply(INFO, struct.pack(">HQH", 0, size, HAS_FLAGS))
            reply(ACK)
            return True
        reply(ACK if option == ABORT else UNSUPPORTED)
        if option == ABORT:
            return False


def answer(peer, disk, hanging):
    while True:
        magic, _, kind, handle, at, length = struct.unpack(">IHHQQI", take(peer, 28))
        if magic != REQUEST or kind == DISCONNECT:
            return
        if kind == WRITE:
            data = take(peer, length)
        if at <= hanging < at + length:
            continue
        if kind == WRITE:
            disk[at:at + length] = data
        peer.sendall(struct.pack(">IIQ", ANSWER, 0, handle) + (disk[at:at + length] if kind == READ else b""))


def serve(server, disk, hanging):
    while True:
        peer, _ = server.accept()
        try:
            if negotiate(peer, len(disk)):
                answer(peer, disk, hanging)
        except (EOFError, OSError):
            pass
        peer.close()


def hang(image, hanging, path):
    """Serves a copy of the image on a socket at path; byte number `hanging` is never read."""
    with open(image, "rb") as f:
        disk = bytearray(f.read())
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    threading.Thread(target=serve, args=(server, disk, hanging), daemon=True).start()
