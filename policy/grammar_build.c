/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs at build time only: compiles the grammar files given and writes them as a C file, both
 * compiled and as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/grammar.h"
#include "policy/grammar_compile.h"

static int read_file(const char *path, struct ih_text *ret)
{
	char chunk[4096];
	FILE *f = fopen(path, "re");
	size_t n;
	int r = 0;

	if (!f)
		return -errno;
	while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		r = ih_text_add(ret, chunk, n);
	if (ferror(f))
		r = -EIO;
	(void)fclose(f);
	return r;
}

static void write_bytes(FILE *out, const char *declaration, const char *bytes, size_t len)
{
	size_t i;

	(void)fprintf(out, "%s = {", declaration);
	for (i = 0; i < len; i++)
		(void)fprintf(out, "%s%u,", i % 24 ? "" : "\n\t", (unsigned char)bytes[i]);
	(void)fprintf(out, "\n};\n");
}

static int write_all(const char *path, const struct ih_text *bytes,
		     const struct ih_grammar_source *sources, size_t n)
{
	FILE *out = fopen(path, "we");
	char declaration[64];
	size_t i;

	if (!out)
		return -errno;
	(void)fprintf(out, "/* Written by grammar_build.c. */\n"
			   "#include \"policy/grammar_builtin.h\"\n\n");
	write_bytes(out, "_Alignas(8) const unsigned char ih_grammar_builtin[]", bytes->data,
		    bytes->len);
	(void)fprintf(out, "const size_t ih_grammar_builtin_size = %zu;\n", bytes->len);
	for (i = 0; i < n; i++) {
		(void)snprintf(declaration, sizeof(declaration), "static const char source_%zu[]",
			       i);
		write_bytes(out, declaration, sources[i].text, sources[i].len);
	}
	(void)fprintf(out, "const struct ih_grammar_source ih_grammar_builtin_sources[] = {\n");
	for (i = 0; i < n; i++)
		(void)fprintf(out, "\t{ \"%s\", source_%zu, %zu },\n", sources[i].name, i,
			      sources[i].len);
	(void)fprintf(out, "};\nconst size_t ih_grammar_builtin_n_sources = %zu;\n", n);
	return fclose(out) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
	struct ih_grammar_source sources[IH_GRAMMAR_FILES_MAX] = { 0 };
	struct ih_text bytes = { 0 };
	struct ih_diag diag = { 0 };
	size_t i, n;
	int r;

	if (argc < 3 || argc - 2 > IH_GRAMMAR_FILES_MAX) {
		(void)fprintf(stderr, "usage: grammar_build OUTPUT FILE…\n");
		return 2;
	}
	n = (size_t)argc - 2;
	for (i = 0; i < n; i++) {
		const char *path = argv[i + 2], *slash = strrchr(path, '/');
		struct ih_text text = { 0 };

		r = read_file(path, &text); /* kept until the end */
		if (r < 0) {
			(void)fprintf(stderr, "cannot read '%s': %s\n", path, strerror(-r));
			return 1;
		}
		sources[i].name = slash ? slash + 1 : path;
		sources[i].text = text.data ? text.data : strdup("");
		sources[i].len = text.len;
	}
	r = ih_grammar_compile(sources, n, &bytes, &diag);
	if (r == 0)
		r = write_all(argv[1], &bytes, sources, n);
	for (i = 0; i < n; i++)
		free((char *)sources[i].text);
	ih_text_done(&bytes);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", diag.text[0] ? diag.text : strerror(-r));
		return 1;
	}
	return 0;
}
