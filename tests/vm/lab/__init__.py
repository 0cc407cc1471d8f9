# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VM lab: real kernels, a root made of Debian packages, QEMU without KVM."""
