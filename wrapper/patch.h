/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gives a new image other arguments and another environment, before it has run one instruction. It
 * says nothing about which.
 */
#pragma once

#include "common/diag.h"
#include "wrapper/image.h"

#define IH_PATCH_BYTES_MAX (96UL << 10) /* the kernel maps 128 KiB of stack below the vectors */

/**
 * ih_image_patch() - put new vectors on a new image's stack
 * @image: of a process in a PTRACE_EVENT_EXEC stop of the caller
 * @argv: NULL-terminated, with as many elements as @image has
 * @envp: NULL-terminated; any number
 *
 * The program's start-up code finds argc, argv, envp and the auxiliary vector at the stack pointer
 * (psABI, "Process Initialization"; fs/binfmt_elf.c: create_elf_tables()). That table is made anew
 * below, new strings beside it, and the stack pointer set to it. /proc/PID/cmdline and environ go
 * on showing what was asked for.
 *
 * Return: 0, or a negative errno with a sentence: -E2BIG, -EOPNOTSUPP on machines whose stack
 * pointer is not known here. The image is then as it was.
 */
int ih_image_patch(const struct ih_image *image, char *const *argv, char *const *envp,
		   struct ih_diag *diag);
