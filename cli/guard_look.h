/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the guard judges arguments when its back end can show them (struct ih_guard_options.look):
 * with what `ihard check` judges by. Here, because the guard's own folder does not know the
 * wrapper.
 */
#pragma once

#include "bpf/guard.h"

int ih_guard_look(const struct ih_guard_lookers *with, pid_t pid, const struct ih_caller *caller,
		  struct ih_event *ret, enum ih_provenance *ret_to);
