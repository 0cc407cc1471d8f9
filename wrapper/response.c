/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "@file" among the words of gcc, ld and their kind stands for the words in that file
 * (libiberty/argv.c, expandargv()). The file is read once, here, and the program is given its words
 * in the file's place: so it may lie anywhere, and changing it later changes nothing. What the
 * words mean is the grammar's knowledge. Other programs' lists of arguments (java's) have another
 * grammar.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/split.h"
#include "wrapper/gather_priv.h"

#define RESPONSES_MAX	   64 /* files in one command, those that other files name among them */
#define RESPONSE_BYTES_MAX 65536

/* No magic link: what /proc/self/fd/N is to us it is not to the program. */
static int open_response(const struct ih_place *place, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, place->dirfd, name, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return -EINVAL;
}

/* The words of a file: an allocated array. Return: how many, or a negative errno. */
static int read_response(const struct ih_place *place, const char *name, char ***ret)
{
	_close_ int fd = open_response(place, name);
	_free_ char *text = NULL;
	ssize_t len;

	if (fd < 0)
		return fd;
	text = malloc(RESPONSE_BYTES_MAX + 1);
	if (!text)
		return -ENOMEM;
	len = ih_pread_full(fd, text, RESPONSE_BYTES_MAX + 1, 0);
	if (len < 0)
		return (int)len;
	if (len > RESPONSE_BYTES_MAX)
		return -E2BIG;
	/* The programs take the text for a string. */
	return ih_split(IH_SPLITTING_RESPONSE, text, strnlen(text, (size_t)len), NULL, ret);
}

/* @words in place of the word at @at. Return: 0 or -ENOMEM; then nothing has changed. */
static int replace(struct ih_hop *hop, size_t at, char *const *words, size_t n)
{
	char **argv = calloc(hop->argc + n, sizeof(*argv));
	size_t tail = hop->argc - at - 1;

	for (size_t i = 0; argv && i < n; i++) {
		argv[at + i] = strdup(words[i]);
		if (argv[at + i])
			continue;
		while (i--)
			free(argv[at + i]);
		free(argv);
		argv = NULL;
	}
	if (!argv)
		return -ENOMEM;
	memcpy(argv, hop->argv, at * sizeof(*argv));
	memcpy(argv + at + n, hop->argv + at + 1, tail * sizeof(*argv));
	free(hop->argv[at]);
	free(hop->argv);
	hop->argv = argv;
	hop->argc = at + n + tail;
	hop->is_expanded = true;
	return 0;
}

int ih_expand_responses(const struct ih_place *place, struct ih_hop *hop)
{
	size_t at = 1, n_files = 0;

	while (at < hop->argc && n_files < RESPONSES_MAX) {
		_free_ char **words = NULL;
		int n;

		if (hop->argv[at][0] != '@') {
			at++;
			continue;
		}
		n_files++;
		n = read_response(place, hop->argv[at] + 1, &words);
		if (n == -ENOMEM)
			return n;
		if (n < 0)
			at++; /* the word stays, and what it names is judged as a file of code */
		else if (replace(hop, at, words, (size_t)n) < 0)
			return -ENOMEM;
	}
	return 0;
}
