/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classic BPF for a table of system calls, as short as the kernel's work at each load asks for.
 * Runs when ihard is built; knows no libseccomp, and nothing of why a call is in the table.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IH_FILTER_MAX 1024 /* instructions; what a longer one would need is looked at then */

/* What is asked of an argument's lower half: flags and protections are 32 bits wide. */
enum ih_filter_test {
	IH_FILTER_ALWAYS = 0,
	IH_FILTER_ANY,	 /* any bit of the mask is set */
	IH_FILTER_NONE,	 /* no bit of the mask is set */
	IH_FILTER_EQUAL, /* the masked argument is the value */
};

/* The first of a call's rules that matches decides; where none does, the call is allowed. */
struct ih_filter_call {
	int number;
	uint32_t action; /* SECCOMP_RET_… with its data */
	unsigned int arg;
	enum ih_filter_test test;
	uint32_t mask, value;
};

/**
 * ih_filter_compile() - a table to a program
 * @calls: sorted by number
 * @native: AUDIT_ARCH_… of this machine; any other ends the process, as do x32's numbers
 * @ret: room for IH_FILTER_MAX
 *
 * See Documentation/userspace-api/seccomp_filter.rst, and kernel/seccomp.c,
 * seccomp_cache_prepare(): the kernel runs the program for each number when it is loaded, up to the
 * first look at an argument, so numbers are searched by halves and arguments looked at last.
 *
 * Return: number of instructions, or -E2BIG.
 */
int ih_filter_compile(const struct ih_filter_call calls[], size_t n, uint32_t native,
		      struct sock_filter ret[IH_FILTER_MAX]);

/**
 * ih_filter_answer() - what the kernel would find for one call
 *
 * Return: SECCOMP_RET_… with its data; SECCOMP_RET_KILL_PROCESS for a program that is none.
 */
uint32_t ih_filter_answer(const struct sock_filter code[], size_t n,
			  const struct seccomp_data *data);
