/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot counters in the names of boot entries. Reads as systemd-boot reads (src/boot/efi/boot.c,
 * config_entry_parse_tries()) and writes as it and systemd-bless-boot write. No file is looked at.
 */
#include "bootchain/count.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *find_suffix(const char *name, size_t len)
{
	if (len >= 5 && strcasecmp(name + len - 5, ".conf") == 0)
		return name + len - 5;
	if (len >= 4 && strcasecmp(name + len - 4, ".efi") == 0)
		return name + len - 4;
	return NULL;
}

static bool is_portable(const char *name)
{
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789+-_.")] == '\0';
}

static bool has_bad_byte(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == '/' || *name == '\\')
			return true;
	return false;
}

/*
 * Digits as a number; one that is too large stays too large, whatever its length.
 * Return: how many digits there are.
 */
static size_t read_number(const char *p, uint64_t *ret)
{
	uint64_t n = 0;
	size_t len = 0;

	for (; p[len] >= '0' && p[len] <= '9'; len++)
		if (n <= IH_COUNT_MAX)
			n = n * 10 + (uint64_t)(p[len] - '0');
	*ret = n;
	return len;
}

/* What stands between the last '+' and the suffix. */
static void parse_counter(const char *plus, const char *suffix, struct ih_count *c)
{
	uint64_t left, done = 0;
	const char *p = plus + 1;
	size_t left_width, done_width = 0;

	c->oddity = IH_COUNT_MALFORMED;
	left_width = read_number(p, &left);
	if (left_width == 0)
		return;
	p += left_width;
	if (*p == '-') {
		done_width = read_number(++p, &done);
		if (done_width == 0)
			return;
		p += done_width;
		c->has_done = true;
	}
	if (p != suffix) {
		c->has_done = false;
		return;
	}
	if (left > IH_COUNT_MAX || done > IH_COUNT_MAX) {
		c->has_done = false;
		c->oddity = IH_COUNT_TOO_LARGE;
		return;
	}

	c->oddity = IH_COUNT_ORDINARY;
	c->counted = true;
	c->left = (uint32_t)left;
	c->done = (uint32_t)done;
	c->left_width = (uint8_t)left_width;
	c->done_width = (uint8_t)done_width;
}

int ih_count_parse(const char *name, struct ih_count *ret)
{
	struct ih_count c = { 0 };
	const char *suffix, *plus;
	size_t len = strlen(name);

	if (len == 0 || len > IH_ENTRY_NAME_MAX || name[0] == '.' || has_bad_byte(name))
		return -EINVAL;
	suffix = find_suffix(name, len);
	if (!suffix || suffix == name || strncasecmp(name, "auto-", 5) == 0)
		return -EINVAL;

	c.portable = is_portable(name);
	c.stem = (uint8_t)(suffix - name);
	plus = strrchr(name, '+');
	if (plus) {
		parse_counter(plus, suffix, &c);
		if (c.counted)
			c.stem = (uint8_t)(plus - name);
	}
	*ret = c;
	return 0;
}

enum ih_entry_state ih_count_state(const struct ih_count *count)
{
	if (!count->counted)
		return IH_ENTRY_GOOD;
	return count->left > 0 ? IH_ENTRY_INDETERMINATE : IH_ENTRY_BAD;
}

const char *ih_state_name(enum ih_entry_state state)
{
	switch (state) {
	case IH_ENTRY_GOOD:
		return "good";
	case IH_ENTRY_INDETERMINATE:
		return "indeterminate";
	case IH_ENTRY_BAD:
		break;
	}
	return "bad";
}

static unsigned int decimal_width(uint32_t n)
{
	unsigned int width = 1;

	for (; n >= 10; n /= 10)
		width++;
	return width;
}

/* The counter with its '+', into @counter of @size bytes. */
static int format_counter(const struct ih_count *c, enum ih_count_change change, uint32_t tries,
			  char *counter, size_t size)
{
	bool padded;

	switch (change) {
	case IH_COUNT_BUMP:
		if (!c->counted)
			return 0;
		(void)snprintf(counter, size, "+%u-%u", c->left > 0 ? c->left - 1 : 0,
			       c->done < IH_COUNT_MAX ? c->done + 1 : IH_COUNT_MAX);
		return 0;
	case IH_COUNT_GOOD:
		return 0;
	case IH_COUNT_BAD:
		if (c->done > 0)
			(void)snprintf(counter, size, "+0-%u", c->done);
		else
			(void)snprintf(counter, size, "+0");
		return 0;
	case IH_COUNT_ARM:
		if (tries == 0 || tries > IH_COUNT_MAX)
			return -ERANGE;
		padded = c->counted && (c->left_width > decimal_width(c->left) ||
					c->done_width > decimal_width(c->done));
		if (padded)
			(void)snprintf(counter, size, "+%0*u-%0*u", c->left_width, tries,
				       c->done_width ? c->done_width : 1, 0U);
		else
			(void)snprintf(counter, size, "+%u", tries);
		return 0;
	case IH_COUNT_NONE:
		break;
	}
	return -EINVAL;
}

int ih_count_rename(const char *name, enum ih_count_change change, uint32_t tries, char *ret)
{
	char counter[2 * IH_ENTRY_NAME_MAX + 4] = "";
	char made[3 * IH_ENTRY_NAME_MAX + 8];
	const char *suffix;
	struct ih_count c;
	int r;

	r = ih_count_parse(name, &c);
	if (r < 0)
		return r;
	r = format_counter(&c, change, tries, counter, sizeof(counter));
	if (r < 0)
		return r;

	suffix = find_suffix(name, strlen(name));
	if (change == IH_COUNT_BUMP && c.counted) /* the loader writes its own spelling */
		suffix = strcasecmp(suffix, ".efi") == 0 ? ".efi" : ".conf";
	r = snprintf(made, sizeof(made), "%.*s%s%s", c.stem, name, counter, suffix);
	if (r < 0 || r > IH_ENTRY_NAME_MAX)
		return -ENAMETOOLONG;
	/* "+2-1.conf" without its counter is ".conf", which the loader would not see any more */
	if (ih_count_parse(made, &c) < 0)
		return -EINVAL;
	memcpy(ret, made, (size_t)r + 1);
	return 0;
}

bool ih_count_same_entry(const char *a, const char *b)
{
	struct ih_count ca, cb;

	if (ih_count_parse(a, &ca) < 0 || ih_count_parse(b, &cb) < 0)
		return false;
	return ca.stem == cb.stem && strncasecmp(a, b, ca.stem) == 0 &&
	       strcasecmp(find_suffix(a, strlen(a)), find_suffix(b, strlen(b))) == 0;
}

int ih_count_id(const char *name, char *ret)
{
	int r;

	r = ih_count_rename(name, IH_COUNT_GOOD, 0, ret);
	if (r < 0)
		return r;
	for (; *ret; ret++)
		if (*ret >= 'A' && *ret <= 'Z')
			*ret = (char)(*ret - 'A' + 'a');
	return 0;
}
