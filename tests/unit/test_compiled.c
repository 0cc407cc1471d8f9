/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/compile.c and compiled.c: what comes back is what went in; nothing else is taken. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/compiled.h"

static struct ih_text compile(const char *profile)
{
	struct ih_policy *p = NULL;
	struct ih_text t = { 0 };

	cr_assert_eq(ih_policy_profile(profile, &p, NULL), 0);
	cr_assert_eq(ih_policy_compile(p, &t, NULL), 0);
	ih_policy_free(p);
	return t;
}

static void repair(struct ih_text *t)
{
	struct ih_compiled_header h;

	memcpy(&h, t->data, sizeof(h));
	h.checksum = ih_compiled_checksum(t->data, t->len);
	memcpy(t->data, &h, sizeof(h));
}

Test(compiled, comes_back)
{
	for (size_t n = 0; ih_profile_name(n); n++) {
		struct ih_policy *a = NULL, *b = NULL;
		struct ih_text t = compile(ih_profile_name(n)), again = { 0 };
		struct ih_diag diag = { 0 };

		cr_assert_eq(ih_policy_profile(ih_profile_name(n), &a, NULL), 0);
		cr_assert_eq(ih_policy_from_compiled("f", t.data, t.len, &b, &diag), 0, "%s",
			     diag.text);
		cr_expect_str_eq(b->name, a->name);
		cr_expect_eq(b->enforce, a->enforce);
		cr_assert_eq(b->n_rules, a->n_rules);
		cr_expect_eq(memcmp(a->rules, b->rules, a->n_rules * sizeof(*a->rules)), 0);
		cr_expect_str_eq(b->info[0].name, a->info[0].name);
		cr_expect_eq(b->info[0].line, a->info[0].line);
		cr_assert_eq(b->n_providers, a->n_providers);
		cr_expect_str_eq(b->providers[0].keys_from, a->providers[0].keys_from);
		cr_expect_str_eq(b->providers[0].root, "");
		cr_expect_null(b->providers[0].database);
		cr_expect_eq(b->n_environment, a->n_environment);
		cr_expect_eq(b->environment[0].code, a->environment[0].code);
		cr_expect_eq(memcmp(a->confinement, b->confinement, sizeof(a->confinement)), 0);
		cr_expect_eq(ih_policy_compile(b, &again, NULL), 0);
		cr_expect_eq(again.len, t.len);
		cr_expect_eq(memcmp(again.data, t.data, t.len), 0, "the same bytes again");
		ih_text_done(&again);
		ih_text_done(&t);
		ih_policy_free(a);
		ih_policy_free(b);
	}
}

Test(compiled, every_flipped_bit_is_found)
{
	struct ih_text t = compile("server");

	for (size_t i = 0; i < t.len * 8; i += i < 8 * sizeof(struct ih_compiled_header) ? 1 : 7) {
		struct ih_policy *p = NULL;

		t.data[i / 8] ^= (char)(1 << i % 8);
		cr_expect_eq(ih_policy_from_compiled("f", t.data, t.len, &p, NULL), -EBADMSG,
			     "bit %zu", i);
		t.data[i / 8] ^= (char)(1 << i % 8);
	}
	ih_text_done(&t);
}

Test(compiled, every_cut_is_found)
{
	struct ih_text t = compile("appliance");

	for (size_t len = 0; len < t.len; len++) {
		char *copy = malloc(len ? len : 1);
		struct ih_policy *p = NULL;

		cr_assert(copy);
		memcpy(copy, t.data, len);
		cr_expect_eq(ih_policy_from_compiled("f", copy, len, &p, NULL), -EBADMSG, "%zu",
			     len);
		free(copy);
	}
	ih_text_done(&t);
}

/* A forger makes the checksum fit: every 32-bit word in turn is set to what hurts. */
Test(compiled, forged_words_stay_in_bounds)
{
	static const uint32_t hurts[] = { 0, 1, 2, 7, 255, 0x7fffffff, 0x80000000, 0xffffffff };
	struct ih_text t = compile("developer");

	for (size_t at = 8; at + 4 <= t.len; at += 4) {
		for (size_t i = 0; i < sizeof(hurts) / sizeof(hurts[0]); i++) {
			struct ih_policy *p = NULL;
			uint32_t saved;
			int r;

			memcpy(&saved, t.data + at, 4);
			memcpy(t.data + at, &hurts[i], 4);
			repair(&t);
			r = ih_policy_from_compiled("f", t.data, t.len, &p, NULL);
			cr_expect(!r || r == -EBADMSG, "word %zu: %d", at, r);
			if (!r)
				for (size_t n = 0; n < p->n_rules; n++)
					cr_expect(strlen(p->info[n].name) < t.len);
			ih_policy_free(p);
			memcpy(t.data + at, &saved, 4);
		}
	}
	ih_text_done(&t);
}

struct forge_row {
	char name[24], sentence[80];
	size_t at;
	uint32_t word;
};

#define HEADER(member) offsetof(struct ih_compiled_header, member)

static const struct forge_row forge_rows[] = {
	{ "magic", "f: is no compiled policy", HEADER(magic), 0 },
	{ "version", "f: the compiled policy is of another version of ihard; compile it again",
	  HEADER(version), IH_COMPILED_VERSION + 1 },
	{ "rule size", "f: the compiled policy is of another version of ihard; compile it again",
	  HEADER(rule_size), 8 },
	{ "size", "f: the compiled policy is cut off; compile it again", HEADER(size), 9999 },
	{ "flags", "f: the compiled policy has flags that are not known; compile it again",
	  HEADER(flags), 4 },
	{ "no rules", "f: the compiled policy holds 0 rules", HEADER(sections[0].n), 0 },
	{ "many rules", "f: the compiled policy holds 1002 rules", HEADER(sections[0].n), 1002 },
	{ "rules far away", "f: the compiled policy points outside of itself; compile it again",
	  HEADER(sections[0].first), 0xfffffff8 },
	{ "rules odd", "f: the compiled policy points outside of itself; compile it again",
	  HEADER(sections[0].first), 137 },
	{ "name", "f: the compiled policy has a string outside of its strings; compile it again",
	  HEADER(name), 0xffffffff },
	{ "no name", "f: the compiled policy lacks a name; compile it again", HEADER(name), 0 },
	{ "demand", "f: the compiled policy has a demand that is not known; compile it again",
	  HEADER(confinement[2]), 3 },
};

Test(compiled, forged_header)
{
	for (size_t i = 0; i < sizeof(forge_rows) / sizeof(forge_rows[0]); i++) {
		const struct forge_row *row = &forge_rows[i];
		struct ih_text t = compile("server");
		struct ih_policy *p = NULL;
		struct ih_diag diag = { 0 };

		memcpy(t.data + row->at, &row->word, 4);
		repair(&t);
		cr_expect_eq(ih_policy_from_compiled("f", t.data, t.len, &p, &diag), -EBADMSG, "%s",
			     row->name);
		cr_expect_str_eq(diag.text, row->sentence, "%s: %s", row->name, diag.text);
		ih_text_done(&t);
	}
}

/* Without the rule that denies at the end, what no rule names would depend on who reads. */
Test(compiled, last_rule_must_deny)
{
	struct ih_text t = compile("server");
	struct ih_compiled_header h;
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };
	struct ih_rule rule;
	size_t at;

	memcpy(&h, t.data, sizeof(h));
	at = h.sections[IH_COMPILED_RULES].first +
	     (h.sections[IH_COMPILED_RULES].n - 1) * sizeof(rule);
	memcpy(&rule, t.data + at, sizeof(rule));
	rule.verdict = IH_ALLOW;
	memcpy(t.data + at, &rule, sizeof(rule));
	repair(&t);
	cr_expect_eq(ih_policy_from_compiled("f", t.data, t.len, &p, &diag), -EBADMSG);
	cr_expect_str_eq(
		diag.text,
		"f: the compiled policy does not end in a rule that denies; compile it again");
	ih_text_done(&t);
}

Test(compiled, file_of_others)
{
	struct ih_text t = compile("server");
	char path[] = "/tmp/ihard-compiled-XXXXXX";
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };
	_close_ int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ih_write_full(fd, t.data, t.len), 0);
	cr_expect_eq(ih_policy_load(AT_FDCWD, path, &p, &diag), 0, "%s", diag.text);
	ih_policy_free(p);
	p = NULL;
	cr_expect_eq(ih_policy_file(AT_FDCWD, path, NULL, &p, &diag), 0, "%s", diag.text);
	ih_policy_free(p);
	p = NULL;
	cr_assert_eq(fchmod(fd, 0620), 0);
	cr_expect_eq(ih_policy_load(AT_FDCWD, path, &p, &diag), -EPERM);
	cr_expect(strstr(diag.text, "can be written by others than its owner"), "%s", diag.text);
	cr_assert_eq(fchmod(fd, 0602), 0);
	cr_expect_eq(ih_policy_file(AT_FDCWD, path, NULL, &p, &diag), -EPERM);
	cr_assert_eq(fchmod(fd, 0600), 0);
	if (geteuid() == 0) {
		cr_assert_eq(fchown(fd, 65534, 0), 0);
		cr_expect_eq(ih_policy_load(AT_FDCWD, path, &p, &diag), -EPERM);
		cr_expect(strstr(diag.text, "belongs to uid 65534"), "%s", diag.text);
	}
	(void)unlink(path);
	cr_expect_eq(ih_policy_load(AT_FDCWD, path, &p, &diag), -ENOENT);
	cr_expect_eq(ih_policy_load(AT_FDCWD, "/dev/null", &p, &diag), -EPERM);
	ih_text_done(&t);
}
