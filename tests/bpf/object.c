/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading the programs, once for all of these tests. Does not attach them: test-run is enough. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "tests/bpf/object.h"

static char log_text[512];

/* libbpf prints to stderr; the last line is enough for a reason. */
static int keep_last(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static int keep_last(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vsnprintf(log_text, sizeof(log_text), format, args) : 0;
}

int ih_test_object(const char *path, int (*test)(struct bpf_object *object, char **paths, int n),
		   char **paths, int n)
{
	struct bpf_object *object;
	int r;

	libbpf_set_print(keep_last);
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		printf("Bail out! cannot open '%s': %s\n", path, strerror(errno));
		return 1;
	}
	r = bpf_object__load(object);
	if (r == -EPERM || r == -ENOSYS) { /* what the verifier refuses is -EACCES or -EINVAL */
		printf("1..0 # SKIP BPF programs cannot be loaded here: %s\n", strerror(-r));
		r = 0;
	} else if (r < 0) {
		printf("1..1\nnot ok 1 - the verifier takes it\n# %s: %s\n", strerror(-r),
		       log_text);
		r = 1;
	} else {
		r = test(object, paths, n);
	}
	bpf_object__close(object);
	return r;
}
