/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conservative recognisers for texts of limited power. None of them parses a language in full.
 */
#include "policy/pure.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

#define PURE_TEXT_MAX 65536 /* longer text is not looked at, and so not pure */

struct reader {
	const char *p, *end;
};

static int peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static int take(struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p++ : -1;
}

static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_name(int c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static void skip_spaces(struct reader *r)
{
	while (is_space(peek(r)))
		r->p++;
}

bool ih_has_expansion(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '`')
			return true;
		if (text[i] != '$' || i + 1 == len)
			continue;
		/* $(…) and $[…]; ${ …;} and ${|…} run commands in ksh and bash 5.3; ${x@P}, ${!x}
		 * and
		 * ${x[$(…)]} lead to other text. Plain ${NAME} and $NAME do not. */
		if (text[i + 1] == '(' || text[i + 1] == '[')
			return true;
		if (text[i + 1] == '{') {
			size_t k = i + 2;

			while (k < len && is_name((unsigned char)text[k]))
				k++;
			if (k == len || text[k] != '}' || k == i + 2)
				return true;
		}
	}
	return false;
}

bool ih_is_function(const char *text, size_t len)
{
	return len >= 4 && memcmp(text, "() {", 4) == 0;
}

bool ih_is_plain_word(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_name((unsigned char)text[i]) && !strchr("/.,:@%+=-", text[i]))
			return false;
	return true;
}

/* A file is named with its place ('/') or its kind (".whl"), an address with ':' or '@' (PEP 508).
 */
bool ih_is_package(const char *text, size_t len)
{
	static const char *const archives[] = { ".whl", ".zip", ".tar", ".gz",	".bz2",
						".tgz", ".xz",	".tbz", ".txz", ".lzma" };

	for (size_t i = 0; i < len; i++)
		if (!is_name((unsigned char)text[i]) && !strchr(".-<>=!~[],", text[i]))
			return false;
	for (size_t i = 0; i < IH_ARRAY_SIZE(archives); i++) {
		size_t tail = strlen(archives[i]);

		if (len > tail && strncasecmp(text + len - tail, archives[i], tail) == 0)
			return false;
	}
	return len > 0;
}

bool ih_is_plain_words(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] != ' ' && !ih_is_plain_word(text + i, 1))
			return false;
	return true;
}

bool ih_is_plain_assignment(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);

	if (!ih_is_plain_word(text, len))
		return false;
	return !equals || !memchr(equals, '/', len - (size_t)(equals - text));
}

bool ih_has_make_function(const char *text, size_t len)
{
	static const char *const names[] = { "shell", "eval", "guile",	 "file",
					     "load",  "call", "foreach", "let" };
	size_t i, k;

	for (i = 0; i + 2 < len; i++) {
		const char *word = text + i + 2;

		if (text[i] != '$' || (text[i + 1] != '(' && text[i + 1] != '{'))
			continue;
		while (word < text + len && is_space((unsigned char)*word))
			word++;
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if ((size_t)(text + len - word) >= strlen(names[k]) &&
			    memcmp(word, names[k], strlen(names[k])) == 0)
				return true;
	}
	return false;
}

bool ih_is_lesspipe(const char *text, size_t len)
{
	const char *end = text + len, *name;

	while (text < end && (*text == '|' || *text == '-' || *text == ' '))
		text++;
	for (name = text; text < end && (is_name((unsigned char)*text) || strchr("/.-", *text));
	     text++)
		if (*text == '/')
			name = text + 1;
	if (end - name < 8 || memcmp(name, "lesspipe", 8) != 0)
		return false;
	return text == end || (end - text == 3 && memcmp(text, " %s", 3) == 0) ||
	       (end - text == 6 && memcmp(text, " %s %s", 6) == 0);
}

/* One of less's options, or letters of several. */
static bool is_plain_less_word(const char *word, size_t len)
{
	if (len > 2 && word[0] == '-' && word[1] == '-')
		return word[2] != 'l'; /* --lesskey-src and its abbreviations */
	return !memchr(word, 'k', len);
}

bool ih_is_plain_less(const char *text, size_t len)
{
	size_t i, start = 0;

	for (i = 0; i <= len; i++) {
		if (i < len && (text[i] == '+' || text[i] == '!' || text[i] == '`'))
			return false;
		/* '$' ends an option's value: another option follows. */
		if (i < len && text[i] != ' ' && text[i] != '\t' && text[i] != '$')
			continue;
		if (!is_plain_less_word(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

bool ih_has_linker_plugin(const char *text, size_t len)
{
	return memmem(text, len, "-plug", 5) || memchr(text, '@', len);
}

bool ih_is_number(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > 0;
}

bool ih_is_module_name(const char *text, size_t len)
{
	size_t i = len > 0 && text[0] == '-' ? 1 : 0, start = i;

	while (i < len && (is_name((unsigned char)text[i]) || text[i] == ':'))
		i++;
	return i > start && (i == len || text[i] == '=');
}

bool ih_is_plain_pattern(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || (text[0] != '/' && text[0] != '"' && text[0] != '\''))
		return true;
	for (i = 1; i + 1 < len; i++)
		if (!is_name((unsigned char)text[i]) && !strchr(" ,:;|+*.^-\\[]=\t#", text[i]))
			return false;
	return len == 1 || text[len - 1] == text[0];
}

bool ih_has_dotted_category(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);

	return colon && memchr(colon, '.', len - (size_t)(colon - text));
}

/* /…/ or \c…c, with the opening delimiter taken already. */
static bool skip_regex(struct reader *r, int delimiter)
{
	bool bracket = false;

	if (delimiter < 0 || delimiter == '\n' || delimiter == '\\')
		return false;
	for (;;) {
		int c = take(r);

		if (c < 0 || c == '\n')
			return false;
		if (c == '\\') {
			if (take(r) < 0)
				return false;
		} else if (c == '[' && delimiter != '[') {
			/* Programs differ on delimiters inside brackets: those texts are refused.
			 */
			bracket = true;
		} else if (c == ']') {
			bracket = false;
		} else if (c == delimiter) {
			return !bracket;
		}
	}
}

/* One address. Return: 1 read, 0 there is none, -1 not understood. */
static int sed_address(struct reader *r)
{
	int c = peek(r);

	if (c == '$') {
		r->p++;
		return 1;
	}
	if (c >= '0' && c <= '9') {
		while ((peek(r) >= '0' && peek(r) <= '9') || peek(r) == '~')
			r->p++;
		return 1;
	}
	if (c != '/' && c != '\\')
		return 0;
	r->p++;
	if (!skip_regex(r, c == '/' ? '/' : take(r)))
		return -1;
	while (peek(r) == 'I' || peek(r) == 'M')
		r->p++;
	return 1;
}

static bool sed_addresses(struct reader *r)
{
	int found = sed_address(r);

	if (found < 0)
		return false;
	skip_spaces(r);
	if (found && peek(r) == ',') {
		r->p++;
		skip_spaces(r);
		if (peek(r) == '+' || peek(r) == '~')
			r->p++;
		if (sed_address(r) <= 0)
			return false;
		skip_spaces(r);
	}
	while (peek(r) == '!') {
		r->p++;
		skip_spaces(r);
	}
	return true;
}

/* s/…/…/flags: only flags that name no file and run nothing. */
static bool sed_substitute(struct reader *r)
{
	int delimiter = take(r), c;

	if (!skip_regex(r, delimiter))
		return false;
	for (c = take(r); c != delimiter; c = take(r)) {
		if (c < 0)
			return false;
		if (c == '\\' && take(r) < 0)
			return false;
	}
	while (peek(r) == 'g' || peek(r) == 'p' || peek(r) == 'i' || peek(r) == 'I' ||
	       peek(r) == 'm' || peek(r) == 'M' || (peek(r) >= '0' && peek(r) <= '9'))
		r->p++;
	return true;
}

static bool sed_transliterate(struct reader *r)
{
	int delimiter = take(r), parts = 0;

	if (delimiter < 0 || delimiter == '\\' || delimiter == '\n')
		return false;
	while (parts < 2) {
		int c = take(r);

		if (c < 0 || c == '\n')
			return false;
		if (c == '\\' && take(r) < 0)
			return false;
		if (c == delimiter)
			parts++;
	}
	return true;
}

static bool sed_command(struct reader *r)
{
	int c = take(r);

	switch (c) {
	case '{':
	case '}':
	case '=':
	case 'd':
	case 'D':
	case 'g':
	case 'G':
	case 'h':
	case 'H':
	case 'l':
	case 'n':
	case 'N':
	case 'p':
	case 'P':
	case 'x':
	case 'z':
		return true;
	case 'q':
	case 'Q':
		while (is_space(peek(r)) || (peek(r) >= '0' && peek(r) <= '9'))
			r->p++;
		return true;
	case 'b':
	case 't':
	case 'T':
	case ':':
		while (peek(r) == ' ' || is_name(peek(r)))
			r->p++;
		return true;
	case 's':
		return sed_substitute(r);
	case 'y':
		return sed_transliterate(r);
	default:
		return false; /* e, w, W, r, R, F, a, i, c, v, and what is not known */
	}
}

bool ih_is_pure_sed(const char *text, size_t len)
{
	struct reader r = { text, text + len };

	if (len > PURE_TEXT_MAX || memchr(text, '#', len))
		return false;
	for (;;) {
		while (is_space(peek(&r)) || peek(&r) == ';')
			r.p++;
		if (peek(&r) < 0)
			return true;
		if (!sed_addresses(&r) || !sed_command(&r))
			return false;
		while (peek(&r) == ' ' || peek(&r) == '\t')
			r.p++;
		/* A command ends here, or the text means something else than was read. */
		if (peek(&r) >= 0 && !strchr(";\n}", peek(&r)) && r.p[-1] != '{' && r.p[-1] != '}')
			return false;
	}
}

/* Words that let an awk program do more than compute and print. */
static bool is_awk_power(const char *word, size_t len)
{
	static const char *const words[] = { "system",	  "getline", "fflush", "close",
					     "extension", "load",    "ENVIRON" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return true;
	return false;
}

static bool awk_string(struct reader *r)
{
	for (;;) {
		int c = take(r);

		if (c < 0 || c == '\n')
			return false;
		if (c == '\\' && take(r) < 0)
			return false;
		if (c == '"')
			return true;
	}
}

/*
 * Nothing that is '@' or '|' stands anywhere outside strings ('||' excepted), and '>' only where
 * no print could take it for a redirection. A '/' begins a regular expression or divides, which
 * only a parser can tell: text in which the difference would matter is refused.
 */
bool ih_is_pure_awk(const char *text, size_t len)
{
	struct reader r = { text, text + len };
	bool print = false;

	if (len > PURE_TEXT_MAX)
		return false;
	while (peek(&r) >= 0) {
		const char *start = r.p;
		int c = take(&r);

		if (is_name(c)) {
			while (is_name(peek(&r)))
				r.p++;
			if (is_awk_power(start, (size_t)(r.p - start)))
				return false;
			if (r.p - start >= 5 && memcmp(start, "print", 5) == 0)
				print = true;
		} else if (c == '"') {
			if (!awk_string(&r))
				return false;
		} else if (c == '/') {
			const char *close = memchr(r.p, '/', (size_t)(r.end - r.p));
			size_t i, n = close ? (size_t)(close - r.p) : (size_t)(r.end - r.p);

			for (i = 0; i < n; i++)
				if (strchr("\"|>@\\[\n#", r.p[i]))
					return false;
			if (!close)
				continue;
			/* Seen as division, the text up to the next '/' is code: words count. */
			if (memmem(r.p, n, "system", 6) || memmem(r.p, n, "getline", 7) ||
			    memmem(r.p, n, "print", 5))
				return false;
			r.p = close + 1;
		} else if (c == '|') {
			if (take(&r) != '|' || peek(&r) == '&' || peek(&r) == '|')
				return false;
		} else if (c == '>' && print) {
			return false;
		} else if (c == '@' || c == '#' || c == '\\' || c == '`') {
			return false;
		} else if (c == '}') {
			print = false;
		}
	}
	return true;
}

bool ih_is_pure_sql(const char *text, size_t len)
{
	static const char *const words[] = { "load_extension", "readfile", "writefile",
					     "edit",	       "attach",   "vacuum",
					     "pragma",	       "fsdir",	   "zipfile",
					     "sqlar",	       "create",   "fts3_tokenizer",
					     "shell" };
	size_t i, k;

	if (len > PURE_TEXT_MAX || memchr(text, '\n', len) || memchr(text, '#', len))
		return false;
	for (i = 0; i < len && is_space((unsigned char)text[i]); i++)
		;
	if (i < len && text[i] == '.')
		return false;
	for (; i < len; i++) {
		if (i > 0 && is_name((unsigned char)text[i - 1]))
			continue;
		for (k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (len - i >= strlen(words[k]) &&
			    strncasecmp(text + i, words[k], strlen(words[k])) == 0)
				return false;
	}
	return true;
}
