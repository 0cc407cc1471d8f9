/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capabilities: gives up those with which a process could get round the gate.
 */
#pragma once

#include <stdbool.h>

#include "common/diag.h"

/**
 * ih_caps_drop() - give up every capability that opens the gate, in all five sets
 *
 * What goes: whatever changes what a trusted name means (SYS_ADMIN, SYS_CHROOT, MKNOD), what reads
 * or writes other processes and the kernel (SYS_PTRACE, SYS_MODULE, SYS_RAWIO, BPF, PERFMON, …),
 * and what changes the rules (SETPCAP, MAC_ADMIN, …). What stays: what services started as root
 * need (CHOWN, DAC_OVERRIDE, SETUID, NET_BIND_SERVICE, …). See capabilities(7).
 *
 * The bounding set is only cut where the process may (CAP_SETPCAP); elsewhere no_new_privs already
 * keeps an exec from giving anything back.
 *
 * Return: 0 (also when there was nothing to give up), or a negative errno with a sentence.
 */
int ih_caps_drop(struct ih_diag *diag);

/* True when the process holds none of the capabilities that ih_caps_drop() gives up. */
bool ih_caps_are_dropped(void);
