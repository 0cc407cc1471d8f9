/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The "rules" section of a policy, brought into the form that common/abi/decide.h works on.
 * Decides nothing; lint.c says which rules are unwise.
 */
#include "policy/policy_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/words.h"

#define ANY_MODE       ((1u << IH_MODE_MAX_) - 1)
#define ANY_PROVENANCE ((1u << IH_PROVENANCE_MAX_) - 1)
#define ID_MAX	       (UINT32_MAX - 1) /* (uid_t)-1 means nobody at all */
#define WORDS_MAX      32		/* in one list of a rule */

static const char *const rule_fields[] = {
	"name",	     "interpreters", "modes",	"program", "sources", "provenance",
	"uids",	     "users",	     "gids",	"groups",  "units",   "needs",
	"tolerates", "verdict",	     "enforce", "reason",  NULL,
};

struct rule_reader {
	struct ih_policy_reader *in;
	const struct ih_json *v; /* the rule */
	struct ih_rule *rule;
	struct ih_rule_info *info;
};

/* Calls @each for every string of an optional list. Return: 1 when there was one, 0, or errno. */
static int each_word(struct rule_reader *r, const char *key,
		     int (*each)(struct rule_reader *, const struct ih_json *, const char *))
{
	struct ih_json list, item;
	const char *word;
	int e = ih_read_member(r->v, key, &list);

	if (e <= 0)
		return e;
	if (ih_json_type(&list) != IH_JSON_ARRAY)
		return ih_json_fail(&list, r->in->diag, -EBADMSG, "must be an array");
	if (!ih_json_length(&list))
		return ih_json_fail(&list, r->in->diag, -EBADMSG, "is empty; leave it out instead");
	if (ih_json_length(&list) > WORDS_MAX)
		return ih_json_fail(&list, r->in->diag, -EBADMSG, "holds more than %d items",
				    WORDS_MAX);
	for (size_t i = 0; i < ih_json_length(&list); i++) {
		(void)ih_json_element(&list, i, &item);
		word = NULL;
		if (ih_json_type(&item) != IH_JSON_NUMBER)
			e = ih_read_text(r->in, &item, IH_POLICY_NAME_MAX, &word);
		if (e >= 0)
			e = each(r, &item, word);
		if (e < 0)
			return e;
	}
	return 1;
}

static int want_word(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	return word ? 0 : ih_json_fail(item, r->in->diag, -EBADMSG, "must be a string");
}

static int set_bit(struct rule_reader *r, const struct ih_json *item, uint32_t *bits, uint32_t bit,
		   const char *word)
{
	if (*bits & bit)
		return ih_json_fail(item, r->in->diag, -EBADMSG, "'%s' is there twice", word);
	*bits |= bit;
	return 0;
}

static int each_mode(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	int e = want_word(r, item, word), mode;

	if (e < 0)
		return e;
	mode = ih_mode_from_name(word);
	if (mode < 0)
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "'%s' is no mode; there are program, none, script, module, "
				    "inline, stdin, interactive, unclear",
				    word);
	return set_bit(r, item, &r->rule->modes, 1u << mode, word);
}

static int each_provenance(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	int e = want_word(r, item, word), provenance;

	if (e < 0)
		return e;
	provenance = ih_provenance_from_name(word);
	if (provenance < 0)
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "'%s' is no provenance; there are verified, interactive, "
				    "unverified",
				    word);
	return set_bit(r, item, &r->rule->provenances, 1u << provenance, word);
}

static int each_tolerated(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	uint32_t flag = 0;
	int e = want_word(r, item, word);

	if (e < 0)
		return e;
	if (ih_fact_from_name(word, &flag) < 0 || !(flag & IH_FACT_DOUBTS))
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "'%s' is no doubt; there are no-name, irregular, noexec, "
				    "writable, unstable, set-id, environment-code, "
				    "unknown-variable, cut-off",
				    word);
	return set_bit(r, item, &r->rule->tolerates, flag, word);
}

static int each_need(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	uint32_t flag = 0;
	int e = want_word(r, item, word);

	if (e < 0)
		return e;
	if (ih_fact_from_name(word, &flag) < 0)
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "'%s' is no fact; there are pure, own, terminal, "
				    "environment-dropped, environment-filtered and the doubts",
				    word);
	return set_bit(r, item, &r->rule->needs, flag, word);
}

static int each_interpreter(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	struct ih_policy *p = r->in->policy;
	int e = want_word(r, item, word), place;

	if (e < 0)
		return e;
	if (!ih_is_plain_name(word))
		return ih_json_fail(item, r->in->diag, -EBADMSG, "'%s' is no interpreter's name",
				    word);
	place = ih_intern(p, &p->interpreters, &p->n_interpreters, IH_INTERPRETERS_MAX, word);
	if (place < 0)
		return ih_json_fail(item, r->in->diag, place == -ENOMEM ? -ENOMEM : -EBADMSG,
				    "a policy can name at most %d interpreters",
				    IH_INTERPRETERS_MAX);
	if (r->rule->interpreters[place / 64] >> (place % 64) & 1)
		return ih_json_fail(item, r->in->diag, -EBADMSG, "'%s' is there twice", word);
	r->rule->interpreters[place / 64] |= 1ull << (place % 64);
	return 0;
}

/* systemd.unit(5): letters, digits, ":-_.\@", and a type behind the last dot. */
static bool is_unit(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ":-_.\\@";
	const char *dot = strrchr(name, '.');

	return dot && dot > name && dot[1] && strspn(name, good) == strlen(name);
}

static int each_unit(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	struct ih_policy *p = r->in->policy;
	int e = want_word(r, item, word), place;

	if (e < 0)
		return e;
	if (!is_unit(word))
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "'%s' is no unit's name; it must look like 'sshd.service'",
				    word);
	if (r->rule->n_units == IH_RULE_SUBJECTS_MAX)
		return ih_json_fail(item, r->in->diag, -EBADMSG, "more than %d units in one rule",
				    IH_RULE_SUBJECTS_MAX);
	place = ih_intern(p, &p->units, &p->n_units, IH_UNITS_MAX, word);
	if (place < 0)
		return ih_json_fail(item, r->in->diag, place == -ENOMEM ? -ENOMEM : -EBADMSG,
				    "a policy can name at most %d units", IH_UNITS_MAX);
	r->rule->units[r->rule->n_units++] = (uint32_t)place;
	return 0;
}

static int add_range(struct rule_reader *r, const struct ih_json *item, struct ih_id_range *ranges,
		     uint8_t *n, struct ih_id_range range)
{
	if (range.first > range.last)
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "the range is the wrong way round");
	if (*n == IH_RULE_SUBJECTS_MAX)
		return ih_json_fail(item, r->in->diag, -EBADMSG, "more than %d ranges in one rule",
				    IH_RULE_SUBJECTS_MAX);
	ranges[(*n)++] = range;
	return 0;
}

/* 1000 or "1000-1999" */
static int parse_range(struct rule_reader *r, const struct ih_json *item, const char *word,
		       struct ih_id_range *ret)
{
	char first[16];
	const char *dash;
	uint64_t low, high;
	int e;

	if (!word) {
		e = ih_json_u64(item, 0, ID_MAX, &low, r->in->diag);
		if (e < 0)
			return e;
		*ret = (struct ih_id_range){ (uint32_t)low, (uint32_t)low };
		return 0;
	}
	dash = strchr(word, '-');
	if (!dash || (size_t)(dash - word) >= sizeof(first))
		goto bad;
	memcpy(first, word, (size_t)(dash - word));
	first[dash - word] = '\0';
	if (ih_parse_u64(first, ID_MAX, &low) || ih_parse_u64(dash + 1, ID_MAX, &high))
		goto bad;
	*ret = (struct ih_id_range){ (uint32_t)low, (uint32_t)high };
	return 0;
bad:
	return ih_json_fail(item, r->in->diag, -EBADMSG,
			    "must be a number or a range such as \"1000-1999\"");
}

static int each_uid(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	struct ih_id_range range = { 0 };
	int e = parse_range(r, item, word, &range);

	return e < 0 ? e : add_range(r, item, r->rule->uids, &r->rule->n_uids, range);
}

static int each_gid(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	struct ih_id_range range = { 0 };
	int e = parse_range(r, item, word, &range);

	return e < 0 ? e : add_range(r, item, r->rule->gids, &r->rule->n_gids, range);
}

static int resolve(struct rule_reader *r, const struct ih_json *item, const char *word,
		   int (*look_up)(const char *, uint32_t *), const char *what, uint32_t *id)
{
	int e = want_word(r, item, word);

	if (e < 0)
		return e;
	if (!look_up)
		return ih_json_fail(item, r->in->diag, -EBADMSG,
				    "names cannot be looked up here; write the number instead");
	e = look_up(word, id);
	return e < 0 ? ih_json_fail(item, r->in->diag, -EBADMSG, "there is no %s '%s'", what, word)
		     : 0;
}

static int each_user(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	uint32_t id = 0;
	int e = resolve(r, item, word, r->in->names ? r->in->names->user : NULL, "user", &id);

	return e < 0 ? e
		     : add_range(r, item, r->rule->uids, &r->rule->n_uids,
				 (struct ih_id_range){ id, id });
}

static int each_group(struct rule_reader *r, const struct ih_json *item, const char *word)
{
	uint32_t id = 0;
	int e = resolve(r, item, word, r->in->names ? r->in->names->group : NULL, "group", &id);

	return e < 0 ? e
		     : add_range(r, item, r->rule->gids, &r->rule->n_gids,
				 (struct ih_id_range){ id, id });
}

/* ">=owned", "<verified", "=store", "any". Return: 1 when it is there, 0, or a negative errno. */
static int read_trust(struct rule_reader *r, const char *key, uint8_t *min, uint8_t *max)
{
	static const char *const operators[] = { ">=", "<=", ">", "<", "=" };
	struct ih_json member;
	const char *text = NULL;
	int class = -1, e;
	size_t op;

	*min = IH_TRUST_UNKNOWN;
	*max = IH_TRUST_MAX_ - 1;
	e = ih_read_member(r->v, key, &member);
	if (e > 0)
		e = ih_read_text(r->in, &member, IH_POLICY_NAME_MAX, &text);
	if (e < 0 || !text)
		return e;
	if (!strcmp(text, "any"))
		return 1;

	for (op = 0; op < IH_ARRAY_SIZE(operators); op++)
		if (!strncmp(text, operators[op], strlen(operators[op])))
			break;
	if (op < IH_ARRAY_SIZE(operators))
		class = ih_trust_from_name(text + strlen(operators[op]));
	if (class < 0)
		return ih_json_fail(&member, r->in->diag, -EBADMSG,
				    "must be \"any\" or compare with a trust class, as in "
				    "\">=verified\"; the classes are unknown, untrusted, store, "
				    "owned, signed, verified, sealed");
	if ((op == 2 && class == IH_TRUST_MAX_ - 1) || (op == 3 && !class))
		return ih_json_fail(&member, r->in->diag, -EBADMSG, "'%s' matches nothing", text);
	if (op == 0 || op == 4)
		*min = (uint8_t) class;
	if (op == 1 || op == 4)
		*max = (uint8_t) class;
	if (op == 2)
		*min = (uint8_t)(class + 1);
	if (op == 3)
		*max = (uint8_t)(class - 1);
	return 1;
}

static int read_verdict(struct rule_reader *r)
{
	static const char *const words[] = { "deny", "allow", "audit" };
	bool enforce = true;
	struct ih_json member;
	unsigned int verdict;
	int e = ih_read_member(r->v, "verdict", &member);

	if (!e)
		return ih_json_fail(r->v, r->in->diag, -EBADMSG, "the field 'verdict' is missing");
	if (e > 0)
		e = ih_read_word(r->in, &member, "a verdict", words, IH_ARRAY_SIZE(words),
				 &verdict);
	if (e < 0)
		return e;
	r->rule->verdict = (uint8_t)verdict;

	e = ih_read_member(r->v, "enforce", &member);
	if (e <= 0)
		return e;
	if (r->rule->verdict != IH_DENY)
		return ih_json_fail(&member, r->in->diag, -EBADMSG,
				    "only a rule that denies can be enforced or not");
	e = ih_json_bool(&member, &enforce, r->in->diag);
	r->rule->report_only = !enforce;
	return e;
}

/* Allowing says what it allows: what was left out must not make a rule broad. */
static int check_allowing(struct rule_reader *r, bool has_modes, bool has_program, bool has_sources)
{
	const char *missing = NULL;

	if (r->rule->verdict == IH_DENY) {
		if (r->rule->tolerates)
			return ih_json_fail(
				r->v, r->in->diag, -EBADMSG,
				"a rule that denies tolerates nothing; take 'tolerates' "
				"out");
		return 0;
	}
	if (!has_modes)
		missing = "modes";
	else if (!has_program)
		missing = "program";
	else if (!has_sources)
		missing = "sources";
	if (missing)
		return ih_json_fail(r->v, r->in->diag, -EBADMSG,
				    "a rule that allows must say which: the field '%s' is missing",
				    missing);
	return 0;
}

static int read_conditions(struct rule_reader *r)
{
	static const struct {
		const char *key;
		int (*each)(struct rule_reader *, const struct ih_json *, const char *);
	} lists[] = {
		{ "provenance", each_provenance },
		{ "interpreters", each_interpreter },
		{ "uids", each_uid },
		{ "users", each_user },
		{ "gids", each_gid },
		{ "groups", each_group },
		{ "units", each_unit },
		{ "needs", each_need },
		{ "tolerates", each_tolerated },
	};
	bool listed[IH_ARRAY_SIZE(lists)];
	int modes, program, sources, e;

	for (size_t i = 0; i < IH_ARRAY_SIZE(lists); i++) {
		e = each_word(r, lists[i].key, lists[i].each);
		if (e < 0)
			return e;
		listed[i] = e;
	}
	if (!listed[0])
		r->rule->provenances = ANY_PROVENANCE;
	if (!listed[1])
		memset(r->rule->interpreters, 0xff, sizeof(r->rule->interpreters));

	modes = each_word(r, "modes", each_mode);
	if (!modes)
		r->rule->modes = ANY_MODE;
	if (modes < 0)
		return modes;
	program = read_trust(r, "program", &r->rule->program_min, &r->rule->program_max);
	if (program < 0)
		return program;
	sources = read_trust(r, "sources", &r->rule->sources_min, &r->rule->sources_max);
	return sources < 0 ? sources : check_allowing(r, modes, program, sources);
}

static int read_words(struct rule_reader *r)
{
	struct ih_json member;
	int e = ih_read_member(r->v, "name", &member);

	if (!e)
		return ih_json_fail(r->v, r->in->diag, -EBADMSG, "the field 'name' is missing");
	if (e > 0)
		e = ih_read_text(r->in, &member, IH_POLICY_NAME_MAX, &r->info->name);
	if (e < 0)
		return e;
	if (!ih_is_plain_name(r->info->name))
		return ih_json_fail(&member, r->in->diag, -EBADMSG,
				    "must be made of lower-case letters, digits, '-', '_', '.' "
				    "and '+'");
	e = ih_read_member(r->v, "reason", &member);
	return e > 0 ? ih_read_text(r->in, &member, IH_POLICY_TEXT_MAX, &r->info->reason) : e;
}

static int read_rule(struct rule_reader *r)
{
	int e = ih_json_only(r->v, rule_fields, r->in->diag);

	if (e < 0)
		return e;
	r->info->file = r->in->file;
	r->info->line = ih_json_line(r->v);
	r->info->given = true;
	e = read_words(r);
	if (!e)
		e = read_verdict(r);
	return e < 0 ? e : read_conditions(r);
}

/* Adds room for @more rules to those that are there. */
static int grow(struct ih_policy *p, size_t more)
{
	struct ih_rule *rules = ih_arena_alloc(p->arena, p->n_rules + more, sizeof(*rules));
	struct ih_rule_info *info = ih_arena_alloc(p->arena, p->n_rules + more, sizeof(*info));

	if (!rules || !info)
		return -ENOMEM;
	if (p->n_rules) {
		memcpy(rules, p->rules, p->n_rules * sizeof(*rules));
		memcpy(info, p->info, p->n_rules * sizeof(*info));
	}
	p->rules = rules;
	p->info = info;
	return 0;
}

int ih_rules_read(struct ih_policy_reader *reader, const struct ih_json *v)
{
	struct ih_policy *p = reader->policy;
	size_t n = ih_json_length(v);
	struct ih_json item;
	int e;

	if (ih_json_type(v) != IH_JSON_ARRAY)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must be an array");
	if (n > IH_RULES_MAX - 1 - p->n_rules)
		return ih_json_fail(v, reader->diag, -EBADMSG,
				    "a policy holds at most %d rules, with those that it extends",
				    IH_RULES_MAX - 1);
	if (grow(p, n) < 0)
		return ih_json_fail(v, reader->diag, -ENOMEM, "out of memory");

	for (size_t i = 0; i < n; i++) {
		struct rule_reader r = { .in = reader,
					 .v = &item,
					 .rule = &p->rules[p->n_rules],
					 .info = &p->info[p->n_rules] };

		(void)ih_json_element(v, i, &item);
		e = read_rule(&r);
		if (e < 0)
			return e;
		p->n_rules++;
	}
	return 0;
}

int ih_rules_finish(struct ih_policy_reader *reader)
{
	struct ih_policy *p = reader->policy;
	struct ih_rule *last;

	if (grow(p, 1) < 0)
		return ih_fail(reader->diag, -ENOMEM, "%s: out of memory", p->name);
	if (!p->enforce)
		for (size_t i = 0; i < p->n_rules; i++)
			p->rules[i].report_only = p->rules[i].verdict == IH_DENY;

	last = &p->rules[p->n_rules];
	memset(last->interpreters, 0xff, sizeof(last->interpreters));
	last->modes = ANY_MODE;
	last->provenances = ANY_PROVENANCE;
	last->program_max = IH_TRUST_MAX_ - 1;
	last->sources_max = IH_TRUST_MAX_ - 1;
	last->verdict = IH_DENY;
	last->report_only = !p->enforce;
	last->is_end = 1;
	p->info[p->n_rules] = (struct ih_rule_info){ .name = "default", .file = p->name };
	p->n_rules++;
	return 0;
}
