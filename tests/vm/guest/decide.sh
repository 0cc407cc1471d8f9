# SPDX-License-Identifier: LGPL-2.1-or-later
# The one decision as a BPF program: this kernel's verifier takes it, and its answers equal user space's.
# packages: libbpf1 libelf1 zlib1g libjson-c5
# files: build:tests/bpf/decide_bpf=/run/lab/decide build:tests/bpf/decide.bpf.o=/run/lab/decide.bpf.o
# files: tests/bpf/every-condition.json=/run/lab/policy.json
# limit: 240
exec /run/lab/decide /run/lab/decide.bpf.o /run/lab/policy.json
