/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stage 2's configuration file and the kernel command line. */
#include "bootchain/stage2_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define SPACE	     " \t\r"
#define PCR_DEFAULT  13
#define PCR_MAX	     15 /* 16 and above are for debugging and dynamic launch */
#define REBOOT_DELAY 10

enum name {
	NAME_KEYS,
	NAME_KEYS_FROM_COMMAND_LINE,
	NAME_SIGS_NEEDED,
	NAME_ON_FAILURE,
	NAME_CONTENT_ADDRESSED,
	NAME_TIME_LIMIT,
	NAME_REBOOT_DELAY,
	NAME_PCR,
	NAME_STORE,
	NAME_NARINFO,
	NAME_SEAL,
	NAME_REQUIRE_SEAL,
	NAME_GENERATION_FLOOR,
	NAME_COMPANIONS,
	NAME_MAX_,
};

static const char *const names[NAME_MAX_] = {
	[NAME_KEYS] = "trusted-public-keys",
	[NAME_KEYS_FROM_COMMAND_LINE] = "keys-from-command-line",
	[NAME_SIGS_NEEDED] = "sigs-needed",
	[NAME_ON_FAILURE] = "on-failure",
	[NAME_CONTENT_ADDRESSED] = "content-addressed",
	[NAME_TIME_LIMIT] = "time-limit",
	[NAME_REBOOT_DELAY] = "reboot-delay",
	[NAME_PCR] = "pcr",
	[NAME_STORE] = "store",
	[NAME_NARINFO] = "narinfo",
	[NAME_SEAL] = "seal",
	[NAME_REQUIRE_SEAL] = "require-seal",
	[NAME_GENERATION_FLOOR] = "generation-floor",
	[NAME_COMPANIONS] = "companions",
};

static const char *const actions[] = {
	[IH_STAGE2_HALT] = "halt",
	[IH_STAGE2_REBOOT] = "reboot",
	[IH_STAGE2_WARN] = "warn",
};

const char *ih_stage2_action_name(enum ih_stage2_action a)
{
	return (size_t)a < IH_ARRAY_SIZE(actions) ? actions[a] : "halt";
}

static int set_text(char **at, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

static int set_directory(char **at, const char *value)
{
	return value[0] == '/' ? set_text(at, value) : -EINVAL;
}

static int set_number(unsigned int *at, const char *value, unsigned int max)
{
	uint64_t n;

	if (ih_parse_u64(value, max, &n) < 0)
		return -EINVAL;
	*at = (unsigned int)n;
	return 0;
}

static int set_yes(bool *at, const char *value, bool yes)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*at = (strcmp(value, "yes") == 0) == yes;
	return 0;
}

static int set_pcr(int *at, const char *value)
{
	uint64_t n;

	if (strcmp(value, "none") == 0) {
		*at = -1;
		return 0;
	}
	if (ih_parse_u64(value, PCR_MAX, &n) < 0)
		return -EINVAL;
	*at = (int)n;
	return 0;
}

static int set_action(enum ih_stage2_action *at, const char *value)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(actions); i++)
		if (strcmp(value, actions[i]) == 0) {
			*at = (enum ih_stage2_action)i;
			return 0;
		}
	return -EINVAL;
}

static int set_companions(enum ih_stage2_companions *at, const char *value)
{
	if (strcmp(value, "report") != 0 && strcmp(value, "refuse") != 0)
		return -EINVAL;
	*at = strcmp(value, "refuse") == 0 ? IH_STAGE2_COMPANIONS_REFUSE
					   : IH_STAGE2_COMPANIONS_REPORT;
	return 0;
}

static int set_sigs(unsigned int *at, const char *value)
{
	int r = set_number(at, value, IH_KEYS_MAX);

	return r == 0 && !*at ? -EINVAL : r;
}

static int set(struct ih_stage2_config *c, enum name name, const char *value, struct ih_diag *diag)
{
	switch (name) {
	case NAME_KEYS:
		return ih_keys_add_list(&c->keys, value, diag);
	case NAME_KEYS_FROM_COMMAND_LINE:
		return set_yes(&c->keys_from_command_line, value, true);
	case NAME_SIGS_NEEDED:
		return set_sigs(&c->sigs_needed, value);
	case NAME_ON_FAILURE:
		return set_action(&c->on_failure, value);
	case NAME_CONTENT_ADDRESSED:
		return set_yes(&c->no_content_addressed, value, false);
	case NAME_TIME_LIMIT:
		return set_number(&c->time_limit, value, IH_STAGE2_TIME_LIMIT_MAX);
	case NAME_REBOOT_DELAY:
		return set_number(&c->reboot_delay, value, IH_STAGE2_TIME_LIMIT_MAX);
	case NAME_PCR:
		return set_pcr(&c->pcr, value);
	case NAME_STORE:
		return set_directory(&c->store, value);
	case NAME_NARINFO:
		return set_directory(&c->narinfo, value);
	case NAME_SEAL:
		return set_directory(&c->seal, value);
	case NAME_REQUIRE_SEAL:
		return set_yes(&c->require_seal, value, true);
	case NAME_COMPANIONS:
		return set_companions(&c->companions, value);
	case NAME_GENERATION_FLOOR:
		return ih_parse_u64(value, UINT64_MAX, &c->generation_floor);
	default:
		return -EINVAL;
	}
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, SPACE);
	for (len = strlen(s); len && strchr(SPACE, s[len - 1]); len--)
		s[len - 1] = '\0';
	return s;
}

static int find_name(const char *name)
{
	for (int i = 0; i < NAME_MAX_; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int take_line(struct ih_stage2_config *c, char *line, unsigned int *seen,
		     struct ih_diag *diag)
{
	char *value, *comment = strchr(line, '#');
	int name, r;

	if (comment)
		*comment = '\0';
	line = trim(line);
	if (!*line)
		return 0;
	value = strchr(line, '=');
	if (!value)
		return ih_fail(diag, -EBADMSG, "'%s' is no 'name = value'", line);
	*value++ = '\0';
	line = trim(line);
	value = trim(value);
	name = find_name(line);
	if (name < 0)
		return ih_fail(diag, -EBADMSG, "there is no setting '%s'", line);
	if (*seen & 1u << name)
		return ih_fail(diag, -EBADMSG, "'%s' is set twice", line);
	*seen |= 1u << name;
	diag->text[0] = '\0';
	r = strlen(value) > IH_STAGE2_VALUE_MAX ? -EINVAL : set(c, (enum name)name, value, diag);
	if (r < 0 && r != -ENOMEM && !diag->text[0])
		return ih_fail(diag, -EBADMSG, "'%s' is no value for '%s'", value, line);
	return r;
}

static int check_keys(const char *name, const struct ih_stage2_config *c, struct ih_diag *diag)
{
	if (!c->keys.n)
		return ih_fail(diag, -ENOKEY,
			       "'%s' has no trusted-public-keys: nothing could be "
			       "verified",
			       name);
	if (c->sigs_needed > c->keys.n)
		return ih_fail(diag, -EBADMSG, "'%s' needs %u signatures and trusts %zu keys", name,
			       c->sigs_needed, c->keys.n);
	return 0;
}

static int take_lines(const char *name, struct ih_stage2_config *c, char *text,
		      struct ih_diag *diag)
{
	unsigned int seen = 0, number = 0;

	for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
		int r;

		number++;
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		r = take_line(c, line, &seen, diag);
		if (r < 0)
			return ih_fail_within(diag, r, "'%s', line %u", name, number);
	}
	return c->keys_from_command_line ? 0 : check_keys(name, c, diag);
}

int ih_stage2_config_parse(const char *name, const char *text, size_t len,
			   struct ih_stage2_config *ret, struct ih_diag *diag)
{
	struct ih_stage2_config c = { .sigs_needed = 1,
				      .pcr = PCR_DEFAULT,
				      .reboot_delay = REBOOT_DELAY };
	struct ih_diag own = { 0 };
	_free_ char *copy = NULL;
	int r;

	diag = diag ? diag : &own;
	copy = malloc(len + 1);
	if (!copy || set_text(&c.store, "/nix/store") < 0)
		return ih_fail(diag, -ENOMEM, "no memory for '%s'", name);
	memcpy(copy, text, len);
	copy[len] = '\0';
	r = strlen(copy) == len ? take_lines(name, &c, copy, diag)
				: ih_fail(diag, -EBADMSG, "'%s' has a NUL in it", name);
	if (r < 0) {
		ih_stage2_config_done(&c);
		return r;
	}

	*ret = c;
	return 0;
}

void ih_stage2_config_done(struct ih_stage2_config *c)
{
	ih_keys_done(&c->keys);
	free(c->store);
	free(c->narinfo);
	free(c->seal);
	*c = (struct ih_stage2_config){ 0 };
}

/* The next word of a command line, without its quotes. Return: its length in @word, or -1. */
static ssize_t next_word(const char **at, char *word)
{
	const char *s = *at + strspn(*at, " \t\n\r");
	bool quoted = false;
	size_t n = 0;

	if (!*s) {
		*at = s;
		return -1;
	}
	for (; *s && (quoted || !strchr(" \t\n\r", *s)); s++) {
		if (*s == '"')
			quoted = !quoted;
		else
			word[n++] = *s;
	}
	word[n] = '\0';
	*at = s;
	return (ssize_t)n;
}

/* The value of the only word that begins with @name ("x="), NULL when there is none. */
static int find_word(const char *cmdline, const char *name, char **ret, struct ih_diag *diag)
{
	_free_ char *word = malloc(strlen(cmdline) + 1), *found = NULL;
	size_t len = strlen(name);

	if (!word)
		return ih_fail(diag, -ENOMEM, "no memory for the command line");
	while (next_word(&cmdline, word) >= 0) {
		if (strcmp(word, "--") == 0)
			break;
		if (strncmp(word, name, len) != 0)
			continue;
		if (found && strcmp(found, word + len) != 0)
			return ih_fail(diag, -ENOTUNIQ,
				       "the kernel command line has %s twice: '%s' and '%s'", name,
				       found, word + len);
		if (!found && !(found = strdup(word + len)))
			return ih_fail(diag, -ENOMEM, "no memory for the command line");
	}

	*ret = TAKE_PTR(found);
	return 0;
}

int ih_stage2_config_add_cmdline(struct ih_stage2_config *c, const char *cmdline,
				 struct ih_diag *diag)
{
	_free_ char *keys = NULL, *needed = NULL;
	int r;

	if (!c->keys_from_command_line)
		return 0;
	r = find_word(cmdline, "ihard.keys=", &keys, diag);
	if (r == 0)
		r = find_word(cmdline, "ihard.sigs-needed=", &needed, diag);
	for (char *at = keys; r == 0 && at && (at = strchr(at, ','));)
		*at = ' '; /* as lists of keys are written elsewhere */
	if (r == 0 && keys)
		r = ih_keys_add_list(&c->keys, keys, diag);
	if (r == 0 && needed && set_sigs(&c->sigs_needed, needed) < 0)
		r = ih_fail(diag, -EBADMSG, "'%s' is no value for 'ihard.sigs-needed'", needed);
	return r < 0 ? r : check_keys("the kernel command line", c, diag);
}

int ih_stage2_find_init(const char *cmdline, char **ret, struct ih_diag *diag)
{
	_free_ char *init = NULL;
	int r;

	r = find_word(cmdline, "init=", &init, diag);
	if (r < 0)
		return r;
	if (!init || !*init)
		return ih_fail(diag, -ENOENT,
			       "the kernel command line has no init=, which says what to verify");

	*ret = TAKE_PTR(init);
	return 0;
}
