/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which sed scripts, awk programs and SQL can only compute and print. Conservative recognisers, a
 * byte at a time; part of common/abi/text.h, which includes it.
 */
#pragma once

enum ih_sed_state {
	IH_SED_START = 0, /* between commands */
	IH_SED_ADDRESS,
	IH_SED_NUMBER,
	IH_SED_AFTER, /* an address: a ',' or the command */
	IH_SED_COMMA,
	IH_SED_SECOND,
	IH_SED_SECOND_NUMBER,
	IH_SED_BANG,
	IH_SED_REGEX_DELIMITER,
	IH_SED_REGEX,
	IH_SED_REGEX_ESCAPE,
	IH_SED_REGEX_FLAGS,
	IH_SED_COMMAND,
	IH_SED_EXIT_CODE,
	IH_SED_LABEL,
	IH_SED_S_DELIMITER,
	IH_SED_REPLACEMENT,
	IH_SED_REPLACEMENT_ESCAPE,
	IH_SED_S_FLAGS,
	IH_SED_Y_DELIMITER,
	IH_SED_Y,
	IH_SED_Y_ESCAPE,
	IH_SED_END, /* of a command: it must be seen */
};

static inline int ih_text_is_digit(__u8 c)
{
	return c >= '0' && c <= '9';
}

/* Goes to @state. Return: 1, the byte was taken. */
static inline int ih_sed_take(struct ih_text_state *t, __u8 state)
{
	t->state = state;
	return 1;
}

/* … Return: 0, the byte is looked at again. */
static inline int ih_sed_again(struct ih_text_state *t, __u8 state)
{
	t->state = state;
	return 0;
}

static inline int ih_sed_refuse(struct ih_text_state *t)
{
	t->found = 1;
	return 1;
}

/* The beginning of an address; @number and @after are the states behind it. */
static inline int ih_sed_address(struct ih_text_state *t, __u8 c, __u8 number, __u8 after)
{
	if (c == '$')
		return ih_sed_take(t, after);
	if (ih_text_is_digit(c))
		return ih_sed_take(t, number);
	t->print = after;
	t->bracket = 0;
	t->delimiter = '/';
	if (c == '/')
		return ih_sed_take(t, IH_SED_REGEX);
	if (c == '\\')
		return ih_sed_take(t, IH_SED_REGEX_DELIMITER);
	return after == IH_SED_AFTER ? ih_sed_again(t, IH_SED_BANG) : ih_sed_refuse(t);
}

static inline int ih_sed_command(struct ih_text_state *t, __u8 c)
{
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
		return ih_sed_take(t, IH_SED_END);
	case 'q':
	case 'Q':
		return ih_sed_take(t, IH_SED_EXIT_CODE);
	case 'b':
	case 't':
	case 'T':
	case ':':
		return ih_sed_take(t, IH_SED_LABEL);
	case 's':
		return ih_sed_take(t, IH_SED_S_DELIMITER);
	case 'y':
		return ih_sed_take(t, IH_SED_Y_DELIMITER);
	default:
		return ih_sed_refuse(t); /* e, w, W, r, R, F, a, i, c, v, and what is not known */
	}
}

/* Programs differ on delimiters inside brackets: those texts are refused. */
static inline int ih_sed_regex(struct ih_text_state *t, __u8 c)
{
	if (c == '\n')
		return ih_sed_refuse(t);
	if (c == '\\')
		return ih_sed_take(t, IH_SED_REGEX_ESCAPE);
	if (c == '[' && t->delimiter != '[') {
		t->bracket = 1;
	} else if (c == ']') {
		t->bracket = 0;
	} else if (c == t->delimiter) {
		if (t->bracket)
			return ih_sed_refuse(t);
		return ih_sed_take(t, t->print == IH_SED_REPLACEMENT ? IH_SED_REPLACEMENT
								     : IH_SED_REGEX_FLAGS);
	}
	return 1;
}

static inline int ih_sed_delimiter(struct ih_text_state *t, __u8 c, __u8 next)
{
	if (c == '\n' || c == '\\')
		return ih_sed_refuse(t);
	t->delimiter = c;
	t->parts = 0;
	return ih_sed_take(t, next);
}

/* Inside s and y: text between delimiters. */
static inline int ih_sed_between(struct ih_text_state *t, __u8 c)
{
	switch (t->state) {
	case IH_SED_REPLACEMENT:
		if (c == t->delimiter)
			return ih_sed_take(t, IH_SED_S_FLAGS);
		return ih_sed_take(t, c == '\\' ? IH_SED_REPLACEMENT_ESCAPE : IH_SED_REPLACEMENT);
	case IH_SED_REPLACEMENT_ESCAPE:
		return ih_sed_take(t, IH_SED_REPLACEMENT);
	case IH_SED_S_FLAGS:
		if (ih_text_is_digit(c) || c == 'g' || c == 'p' || c == 'i' || c == 'I' ||
		    c == 'm' || c == 'M')
			return 1;
		return ih_sed_again(t, IH_SED_END);
	case IH_SED_Y:
		if (c == '\n')
			return ih_sed_refuse(t);
		if (c == '\\')
			return ih_sed_take(t, IH_SED_Y_ESCAPE);
		t->parts = (__u8)(t->parts + (c == t->delimiter));
		return ih_sed_take(t, t->parts >= 2 ? IH_SED_END : IH_SED_Y);
	default:
		return ih_sed_take(t, IH_SED_Y);
	}
}

/* Return: 1 when the byte was taken, 0 when the next state has to look at it. */
static inline int ih_sed_once(struct ih_text_state *t, __u8 c)
{
	int space = ih_text_is_space(c);

	switch (t->state) {
	case IH_SED_START:
		return space || c == ';' ? 1 : ih_sed_again(t, IH_SED_ADDRESS);
	case IH_SED_ADDRESS:
		return ih_sed_address(t, c, IH_SED_NUMBER, IH_SED_AFTER);
	case IH_SED_NUMBER:
		return ih_text_is_digit(c) || c == '~' ? 1 : ih_sed_again(t, IH_SED_AFTER);
	case IH_SED_AFTER:
		if (c == ',')
			return ih_sed_take(t, IH_SED_COMMA);
		return space ? 1 : ih_sed_again(t, IH_SED_BANG);
	case IH_SED_COMMA:
		if (c == '+' || c == '~')
			return ih_sed_take(t, IH_SED_SECOND);
		return space ? 1 : ih_sed_again(t, IH_SED_SECOND);
	case IH_SED_SECOND:
		return ih_sed_address(t, c, IH_SED_SECOND_NUMBER, IH_SED_BANG);
	case IH_SED_SECOND_NUMBER:
		return ih_text_is_digit(c) || c == '~' ? 1 : ih_sed_again(t, IH_SED_BANG);
	case IH_SED_BANG:
		return space || c == '!' ? 1 : ih_sed_again(t, IH_SED_COMMAND);
	case IH_SED_REGEX_DELIMITER:
		return ih_sed_delimiter(t, c, IH_SED_REGEX);
	case IH_SED_REGEX:
		return ih_sed_regex(t, c);
	case IH_SED_REGEX_ESCAPE:
		return ih_sed_take(t, IH_SED_REGEX);
	case IH_SED_REGEX_FLAGS:
		return c == 'I' || c == 'M' ? 1 : ih_sed_again(t, t->print);
	case IH_SED_COMMAND:
		return ih_sed_command(t, c);
	case IH_SED_EXIT_CODE:
		return space || ih_text_is_digit(c) ? 1 : ih_sed_again(t, IH_SED_END);
	case IH_SED_LABEL:
		return c == ' ' || ih_text_is_name(c) ? 1 : ih_sed_again(t, IH_SED_END);
	case IH_SED_S_DELIMITER:
		t->print = IH_SED_REPLACEMENT;
		t->bracket = 0;
		return ih_sed_delimiter(t, c, IH_SED_REGEX);
	case IH_SED_Y_DELIMITER:
		return ih_sed_delimiter(t, c, IH_SED_Y);
	case IH_SED_END:
		if (c == ' ' || c == '\t')
			return 1;
		/* A command ends here, or the text means something else than was read. */
		if (c == ';' || c == '\n' || c == '}' || t->last == '{' || t->last == '}')
			return ih_sed_again(t, IH_SED_START);
		return ih_sed_refuse(t);
	default:
		return ih_sed_between(t, c);
	}
}

#define IH_SED_STEPS_MAX 8 /* states that one byte can lead through */

static inline void ih_text_sed(struct ih_text_state *t, __u8 c)
{
	if (c == '#')
		t->found = 1;
	for (int i = 0; i < IH_SED_STEPS_MAX; i++)
		if (t->found || ih_sed_once(t, c))
			return;
	t->found = 1;
}

static inline int ih_text_sed_may_end(const struct ih_text_state *t)
{
	return t->state == IH_SED_START || t->state == IH_SED_EXIT_CODE ||
	       t->state == IH_SED_LABEL || t->state == IH_SED_S_FLAGS || t->state == IH_SED_END;
}

enum ih_awk_state {
	IH_AWK_CODE = 0,
	IH_AWK_STRING,
	IH_AWK_STRING_ESCAPE,
	IH_AWK_SLASH, /* behind a '/', which begins a regular expression or divides */
	IH_AWK_PIPE,
	IH_AWK_OR,
};

/* Words that let an awk program do more than compute and print. */
static inline int ih_awk_is_power(__u32 hash)
{
	switch (hash) {
	case 0x491e0a9cu: /* system */
	case 0xdbd712e5u: /* getline */
	case 0x9798bbc1u: /* fflush */
	case 0x27cb3b23u: /* close */
	case 0xbadf029au: /* extension */
	case 0xe60759e9u: /* load */
	case 0x0215f76au: /* ENVIRON */
		return 1;
	default:
		return 0;
	}
}

/* A byte of a word, or the end of one. Return: 1 when a word of power ended. */
static inline int ih_awk_word(struct ih_text_state *t, __u8 c)
{
	int power;

	if (ih_text_is_name(c)) {
		t->hash = ih_text_hash(t->word ? t->hash : IH_TEXT_HASH_START, c);
		t->word++;
		return 0;
	}
	power = t->word && ih_awk_is_power(t->hash);
	t->word = 0;
	return power;
}

/*
 * Nothing that is '@' or '|' stands anywhere outside strings ('||' excepted), and '>' only where
 * no print could take it for a redirection.
 */
static inline void ih_awk_code(struct ih_text_state *t, __u8 c)
{
	if (ih_awk_word(t, c))
		t->found = 1;
	if (t->word) {
		if (t->hash == 0x16378a88u)
			t->print = 1;
		return;
	}
	if (c == '"') {
		t->state = IH_AWK_STRING;
	} else if (c == '/') {
		t->state = IH_AWK_SLASH;
		t->shadow = 0;
		t->bracket = 0;
		t->window = 0;
	} else if (c == '|') {
		t->state = IH_AWK_PIPE;
	} else if ((c == '>' && t->print) || c == '@' || c == '#' || c == '\\' || c == '`') {
		t->found = 1;
	} else if (c == '}') {
		t->print = 0;
	}
}

/*
 * Only a parser can tell a regular expression from two divisions: text in which the difference
 * would matter is refused. Without a second '/' it is code (shadow); with one, words in it count
 * in whatever place they stand.
 */
static inline void ih_awk_slash(struct ih_text_state *t, __u8 c)
{
	if (c == '/') {
		t->found |= t->bracket;
		t->word = 0;
		t->state = IH_AWK_CODE;
		return;
	}
	if (c == '"' || c == '|' || c == '>' || c == '@' || c == '\\' || c == '[' || c == '\n' ||
	    c == '#')
		t->found = 1;
	if ((t->window & 0xffffffffffffULL) == 0x73797374656dULL /* system */ ||
	    (t->window & 0xffffffffffffffULL) == 0x6765746c696e65ULL /* getline */ ||
	    (t->window & 0xffffffffffULL) == 0x7072696e74ULL /* print */)
		t->bracket = 1;
	if (ih_awk_word(t, c) || c == '`')
		t->shadow = 1;
}

static inline void ih_text_awk(struct ih_text_state *t, __u8 c)
{
	switch (t->state) {
	case IH_AWK_STRING:
		if (c == '\n')
			t->found = 1;
		else if (c == '\\')
			t->state = IH_AWK_STRING_ESCAPE;
		else if (c == '"')
			t->state = IH_AWK_CODE;
		break;
	case IH_AWK_STRING_ESCAPE:
		t->state = IH_AWK_STRING;
		break;
	case IH_AWK_SLASH:
		ih_awk_slash(t, c);
		break;
	case IH_AWK_PIPE:
		t->found |= c != '|';
		t->state = IH_AWK_OR;
		break;
	case IH_AWK_OR:
		t->found |= c == '&' || c == '|';
		t->state = IH_AWK_CODE;
		ih_awk_code(t, c);
		break;
	default:
		ih_awk_code(t, c);
	}
}

static inline int ih_text_awk_may_end(const struct ih_text_state *t)
{
	if (t->state == IH_AWK_SLASH && t->shadow)
		return 0;
	if (t->state == IH_AWK_CODE || t->state == IH_AWK_SLASH)
		return !(t->word && ih_awk_is_power(t->hash));
	return t->state == IH_AWK_OR;
}

/* Words that let SQL reach files or code, wherever they begin; a line with a '.' is a command. */
static inline void ih_text_sql(struct ih_text_state *t, __u8 c)
{
	__u8 lower = c >= 'A' && c <= 'Z' ? (__u8)(c + ('a' - 'A')) : c;

	if (c == '\n' || c == '#')
		t->found = 1;
	if (!t->state && !ih_text_is_space(c)) {
		t->state = 1;
		if (c == '.')
			t->found = 1;
	}
	if (!ih_text_is_name(c)) {
		t->word = 0;
		return;
	}
	t->hash = ih_text_hash(t->word ? t->hash : IH_TEXT_HASH_START, lower);
	t->word++;
	switch (t->hash) {
	case 0xe9356b33u: /* load_extension */
	case 0xdb57bd43u: /* readfile */
	case 0x84aec1cau: /* writefile */
	case 0x5be7d591u: /* edit */
	case 0x4295b444u: /* attach */
	case 0x112a10d2u: /* vacuum */
	case 0x19fa4625u: /* pragma */
	case 0x1d06e535u: /* fsdir */
	case 0x2cd6e042u: /* zipfile */
	case 0x93c39558u: /* sqlar */
	case 0x26bb595du: /* create */
	case 0x6e59793bu: /* fts3_tokenizer */
	case 0x11e1fc01u: /* shell */
		t->found = 1;
	}
}
