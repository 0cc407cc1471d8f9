/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guard would vouch for, without a kernel that could be told. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/guard_priv.h"
#include "common/text.h"

static int take(void *state, const struct ih_gate_file *file)
{
	(void)state;
	(void)file;
	return 0;
}

static void print(void *user, int fd, enum ih_trust_class trust)
{
	char link[64], path[PATH_MAX];
	struct ih_text word = { 0 };
	ssize_t n;

	(void)user;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n > 0 && ih_text_quote(&word, path, (size_t)n) == 0)
		printf("%s %s\n", ih_trust_class_name(trust), word.data);
	ih_text_done(&word);
}

int ih_guard_dry_run(const struct ih_guard_options *options, struct ih_diag *diag)
{
	static const struct ih_backend_ops nothing = { .name = "none", .add = take };
	struct ih_guard g = { .options = options, .backend = &nothing };
	struct ih_guard_rules *rules;
	uint64_t begun = ih_guard_now_ns(), ms;
	int r = ih_guard_rules_load(&g, &rules, diag);

	if (r < 0)
		return r;
	if (rules->note.text[0])
		ih_guard_say(&g, "%s", rules->note.text);
	r = ih_catalog_new(options->files ? options->files : IH_GUARD_FILES_DEFAULT, &g.catalog);
	g.filled = ih_guard_fill(&g, rules);
	g.filled.each = print;
	if (r == 0)
		r = ih_fill_all(&g.filled);
	ms = (ih_guard_now_ns() - begun) / 1000000;
	if (r == 0)
		ih_guard_say(&g,
			     "%" PRIu64 " files and %" PRIu64
			     " store objects would be vouched for, "
			     "%" PRIu64 " objects are not what was signed, %" PRIu64
			     " files are being written; found out in %" PRIu64 ".%03" PRIu64 " s",
			     g.filled.files, g.filled.objects, g.filled.bad, g.filled.busy,
			     ms / 1000, ms % 1000);
	else
		(void)ih_fail(diag, r, "%s", strerror(-r));
	ih_catalog_free(g.catalog);
	ih_guard_rules_free(rules);
	return r;
}
