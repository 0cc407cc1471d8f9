/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot entries: the first line is a name, the rest its text. Names are renamed in every way and
 * stay names of the same entry; the order of versions is an order; patterns end.
 */
#include <stdlib.h>
#include <string.h>

#include "bootchain/next.h"
#include "bootchain/version.h"
#include "tests/fuzz/fuzz.h"

static void check_name(const char *name)
{
	static const enum ih_count_change changes[] = { IH_COUNT_BUMP, IH_COUNT_GOOD, IH_COUNT_BAD,
							IH_COUNT_ARM };
	static const enum ih_entry_state states[] = { 0, IH_ENTRY_GOOD, IH_ENTRY_BAD,
						      IH_ENTRY_INDETERMINATE };
	char made[IH_ENTRY_NAME_MAX + 1];
	struct ih_count before, after;
	size_t i;

	if (ih_count_parse(name, &before) < 0)
		return;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (ih_count_rename(name, changes[i], 3, made) < 0)
			continue;
		if (ih_count_parse(made, &after) < 0)
			abort();
		/* "a+1+x.conf" blessed is itself; "a+1+2.conf" blessed is "a+1.conf", counted again
		 */
		if (changes[i] == IH_COUNT_GOOD)
			continue;
		if (!ih_count_same_entry(name, made))
			abort();
		if (i > 0 && ih_count_state(&after) != states[i])
			abort();
	}
}

static void check_text(const char *name, const char *text, size_t len)
{
	struct ih_entry e = { 0 }, again = { 0 };
	struct ih_text out = { 0 };

	if (ih_entry_parse_conf(name, text, len, &e, NULL) == 0) {
		if (ih_entry_format(&e, &out, NULL) == 0) {
			if (ih_entry_parse_conf(name, out.data, out.len, &again, NULL) < 0)
				abort();
			if (again.type != e.type || strcmp(again.loader, e.loader) != 0)
				abort();
		}
		ih_entry_done(&e);
		ih_entry_done(&again);
	}
	ih_text_done(&out);
	if (ih_entry_parse_osrel(name, text, len, NULL, &e, NULL) == 0)
		ih_entry_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = size ? memchr(data, '\n', size) : NULL;
	size_t name_len = end ? (size_t)(end - (const char *)data) : size;
	char *name = strndup((const char *)data, name_len);
	char *text = end ? strndup(end + 1, size - name_len - 1) : strdup("");
	struct ih_loader_conf conf;

	if (!name || !text)
		abort();
	check_name(name);
	check_text(name, text, strlen(text));
	if (ih_loader_conf_parse(text, strlen(text), &conf) == 0)
		ih_loader_conf_done(&conf);
	if (size < 4096) {
		(void)ih_glob_match(name, text);
		if ((ih_version_compare(name, text) > 0) != (ih_version_compare(text, name) < 0))
			abort();
	}
	free(name);
	free(text);
	return 0;
}
