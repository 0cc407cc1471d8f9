/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests that load BPF programs into the build machine's kernel begin with. */
#pragma once

struct bpf_object;

/**
 * ih_test_object() - load the programs of a file and test them
 * @test: prints TAP with its plan, in which the first row is that the verifier took the programs;
 *	gets @paths and @n
 *
 * Return: what the process exits with; a plan of no tests is printed where nobody may load BPF.
 */
int ih_test_object(const char *path, int (*test)(struct bpf_object *object, char **paths, int n),
		   char **paths, int n);
