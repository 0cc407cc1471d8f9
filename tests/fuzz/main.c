/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replays a corpus through a fuzz target, so that what a fuzzer once found stays a test of every
 * build. Arguments are files or directories (not descended into). It does not fuzz.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (16u << 20)

static int replay(const char *path)
{
	_free_ char *data = NULL;
	struct ih_diag diag;
	uint8_t *exact;
	size_t len;

	if (ih_read_file(AT_FDCWD, path, INPUT_MAX, &data, &len, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return -1;
	}

	/* a copy of exactly this size: a sanitizer sees one byte read past the end */
	exact = malloc(len ? len : 1);
	if (!exact)
		return -1;
	memcpy(exact, data, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int replay_directory(const char *path, unsigned int *count)
{
	struct dirent *entry;
	char name[4096];
	DIR *dir;
	int r = 0;

	dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (replay(name) < 0)
			r = -1;
		(*count)++;
	}
	closedir(dir);
	return r;
}

int main(int argc, char **argv)
{
	unsigned int count = 0;
	struct stat st;
	int r = 0;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			if (replay_directory(argv[i], &count) < 0)
				r = 1;
		} else {
			if (replay(argv[i]) < 0)
				r = 1;
			count++;
		}
	}
	printf("%u inputs replayed\n", count);
	return count ? r : 1;
}
