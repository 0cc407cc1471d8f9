/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a service tells its manager: sd_notify(3)'s protocol, without its library. */
#pragma once

#include <stdint.h>

/**
 * ih_notify_open() - take $NOTIFY_SOCKET and $WATCHDOG_USEC out of the environment
 * Return: a descriptor, or -ENOENT when nobody wants to know.
 */
int ih_notify_open(uint64_t *ret_watchdog_us);

/* "READY=1\nSTATUS=…"; nothing happens when @fd is negative. */
void ih_notify(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
