/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trust layer by hand, for tests:
 *   ih-trust [--root DIR] [--store DIR] [--database FILE] [--key NAME:BASE64]…
 *            [--keys-from FILE] [--needed N] [--owner UID] [--ca] [--tree DIR]… [--fd N]
 *            [--seal FILE]… [--floor N] [--repeat N] PATH…
 * With --seal nobody asks Nix's database: the seals speak for the store.
 * For each PATH a line "<class> <canonical path>", then indented lines: reason, object, signer…,
 * problem…, unstable. Exit status: 0 when all are at least "owned", else 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/trust.h"

#define WORDS_MAX 64

static char *keys[WORDS_MAX], *trees[WORDS_MAX], *seals[WORDS_MAX];
static struct ih_provider nix = { .kind = IH_PROVIDER_NIX, .keys = keys, .sigs_needed = 1 };
static struct ih_provider paths = { .kind = IH_PROVIDER_PATHS, .trees = trees };
static uint64_t fd_given = UINT64_MAX, repeat = 1;

static void print(const struct ih_evidence *e, const char *asked)
{
	printf("%s %s\n", ih_trust_class_name(e->trust), e->path ? e->path : asked);
	printf("  reason: %s\n", e->reason);
	if (e->object)
		printf("  object: %s\n", e->object);
	for (size_t i = 0; i < e->n_signers; i++)
		printf("  signer: %s\n", e->signers[i]);
	for (size_t i = 0; i < e->n_problems; i++)
		printf("  problem: %s\n", e->problems[i]);
	if (e->unstable)
		printf("  unstable: %s\n", e->unstable);
}

static int look(struct ih_trust *t, const char *path)
{
	struct ih_evidence e;
	bool good;
	int r, fd = -EBADF;

	if (path)
		r = ih_trust_path(t, AT_FDCWD, path, &fd, &e);
	else
		r = ih_trust_fd(t, (int)fd_given, &e);
	if (fd >= 0)
		(void)close(fd);
	if (r < 0)
		printf("  errno: %s\n", strerrorname_np(-r));
	print(&e, path ? path : "");
	good = r == 0 && e.trust >= IH_TRUST_OWNED;
	ih_evidence_done(&e);
	return good ? 0 : 1;
}

static int number(const char *text, uint64_t *ret)
{
	if (ih_parse_u64(text, UINT32_MAX, ret) == 0)
		return 0;
	fprintf(stderr, "ih-trust: '%s' is no number\n", text);
	return -1;
}

static int option(int c)
{
	uint64_t n = 0;

	switch (c) {
	case 'r':
		nix.root = optarg;
		return 0;
	case 's':
		nix.store = optarg;
		return 0;
	case 'd':
		nix.database = optarg;
		return 0;
	case 'k':
		keys[nix.n_keys++ % WORDS_MAX] = optarg;
		return 0;
	case 'K':
		nix.keys_from = optarg;
		return 0;
	case 't':
		trees[paths.n_trees++ % WORDS_MAX] = optarg;
		return 0;
	case 'c':
		nix.accept_content_addressed = true;
		return 0;
	case 'S':
		nix.seals = seals;
		seals[nix.n_seals++ % WORDS_MAX] = optarg;
		return 0;
	case 'F':
		return number(optarg, &nix.generation_floor);
	case 'f':
		return number(optarg, &fd_given);
	case 'R':
		return number(optarg, &repeat);
	case 'n':
	case 'o':
		if (number(optarg, &n) < 0)
			return -1;
		*(c == 'n' ? &nix.sigs_needed : &nix.owner) = (unsigned int)n;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", 1, NULL, 'r' },      { "store", 1, NULL, 's' },
		{ "database", 1, NULL, 'd' },  { "key", 1, NULL, 'k' },
		{ "keys-from", 1, NULL, 'K' }, { "needed", 1, NULL, 'n' },
		{ "owner", 1, NULL, 'o' },     { "ca", 0, NULL, 'c' },
		{ "tree", 1, NULL, 't' },      { "fd", 1, NULL, 'f' },
		{ "repeat", 1, NULL, 'R' },    { "seal", 1, NULL, 'S' },
		{ "floor", 1, NULL, 'F' },     { NULL, 0, NULL, 0 },
	};
	struct ih_provider providers[2];
	struct ih_trust *t;
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option(c) < 0)
			return 2;
	if (nix.n_seals)
		nix.kind = IH_PROVIDER_SEAL;
	providers[0] = nix;
	providers[1] = paths;
	if (ih_trust_open(providers, 2, &t, NULL) < 0)
		return 2;
	while (repeat--) {
		if (fd_given != UINT64_MAX)
			bad |= look(t, NULL);
		for (int i = optind; i < argc; i++)
			bad |= look(t, argv[i]);
	}
	ih_trust_free(t);
	return bad;
}
