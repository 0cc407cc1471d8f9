/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run by the build: writes the compiled built-in profiles as C. A profile that is wrong stops it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/policy.h"

static void write_bytes(FILE *out, size_t number, const struct ih_text *bytes)
{
	(void)fprintf(out, "static const _Alignas(8) unsigned char compiled_%zu[] = {", number);
	for (size_t i = 0; i < bytes->len; i++)
		(void)fprintf(out, "%s%u,", i % 24 ? "" : "\n\t", (unsigned char)bytes->data[i]);
	(void)fprintf(out, "\n};\n");
}

static int write_profile(FILE *out, size_t number, struct ih_diag *diag)
{
	struct ih_policy *policy = NULL;
	struct ih_text bytes = { 0 };
	char name[IH_POLICY_NAME_MAX + 16];
	const char *text;
	size_t len = 0;
	int r;

	(void)snprintf(name, sizeof(name), "profile '%s'", ih_profile_name(number));
	text = ih_profile_text(ih_profile_name(number), &len);
	r = ih_policy_parse(name, text, len, NULL, &policy, diag);
	if (r == 0)
		r = ih_policy_compile(policy, &bytes, diag);
	if (r == 0)
		write_bytes(out, number, &bytes);
	ih_policy_free(policy);
	ih_text_done(&bytes);
	return r;
}

static int write_all(FILE *out, struct ih_diag *diag)
{
	int r;

	(void)fprintf(out, "/* Written by profile_build.c. */\n");
	for (size_t i = 0; ih_profile_name(i); i++) {
		r = write_profile(out, i, diag);
		if (r < 0)
			return r;
	}
	(void)fprintf(out, "static const struct {\n\tconst char *name;\n"
			   "\tconst unsigned char *bytes;\n\tsize_t len;\n} compiled[] = {\n");
	for (size_t i = 0; ih_profile_name(i); i++)
		(void)fprintf(out, "\t{ \"%s\", compiled_%zu, sizeof(compiled_%zu) },\n",
			      ih_profile_name(i), i, i);
	(void)fprintf(out, "};\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct ih_diag diag = { 0 };
	FILE *out;
	int r;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: profile_build OUTPUT\n");
		return 2;
	}
	out = fopen(argv[1], "we");
	if (!out) {
		(void)fprintf(stderr, "cannot write '%s': %s\n", argv[1], strerror(errno));
		return 1;
	}
	r = write_all(out, &diag);
	if (fclose(out) != 0 && r == 0)
		r = ih_fail(&diag, -errno, "cannot write '%s': %s", argv[1], strerror(errno));
	if (r < 0)
		(void)fprintf(stderr, "%s\n", diag.text);
	return r < 0;
}
