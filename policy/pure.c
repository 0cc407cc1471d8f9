/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts of limited power: the machines of common/abi/text.h over a whole text, which the kernel's
 * side runs over the very same bytes.
 */
#include "policy/pure.h"

#include "common/abi/text.h"

#define PURE_TEXT_MAX 65536 /* longer text is not looked at, and so not pure */

static bool counts(enum ih_test test, const char *text, size_t len)
{
	struct ih_text_state t;

	ih_text_begin(&t, (__u8)test);
	for (size_t i = 0; i < len; i++)
		ih_text_step(&t, (__u8)text[i]);
	return ih_text_counts(&t);
}

bool ih_has_expansion(const char *text, size_t len)
{
	return counts(IH_TEST_EXPANSION, text, len);
}

bool ih_is_function(const char *text, size_t len)
{
	return counts(IH_TEST_FUNCTION, text, len);
}

bool ih_is_plain_word(const char *text, size_t len)
{
	return !counts(IH_TEST_WORD, text, len);
}

bool ih_is_package(const char *text, size_t len)
{
	return !counts(IH_TEST_PACKAGE, text, len);
}

bool ih_is_plain_words(const char *text, size_t len)
{
	return !counts(IH_TEST_WORDS, text, len);
}

bool ih_is_plain_command(const char *text, size_t len)
{
	return !counts(IH_TEXT_COMMAND, text, len);
}

bool ih_is_plain_assignment(const char *text, size_t len)
{
	return !counts(IH_TEST_ASSIGNMENT, text, len);
}

bool ih_has_make_function(const char *text, size_t len)
{
	return counts(IH_TEST_MAKE, text, len);
}

bool ih_is_lesspipe(const char *text, size_t len)
{
	return !counts(IH_TEST_LESSPIPE, text, len);
}

bool ih_is_plain_less(const char *text, size_t len)
{
	return !counts(IH_TEST_LESS, text, len);
}

bool ih_has_linker_plugin(const char *text, size_t len)
{
	return counts(IH_TEST_LINKER, text, len);
}

bool ih_is_number(const char *text, size_t len)
{
	return !counts(IH_TEST_NUMBER, text, len);
}

bool ih_is_module_name(const char *text, size_t len)
{
	return !counts((enum ih_test)IH_TEXT_MODULE_NAME, text, len);
}

bool ih_is_plain_pattern(const char *text, size_t len)
{
	return !counts(IH_TEST_PATTERN, text, len);
}

bool ih_has_dotted_category(const char *text, size_t len)
{
	return counts(IH_TEST_DOTTED, text, len);
}

bool ih_is_pure_sed(const char *text, size_t len)
{
	return len <= PURE_TEXT_MAX && !counts(IH_TEST_SED, text, len);
}

bool ih_is_pure_awk(const char *text, size_t len)
{
	return len <= PURE_TEXT_MAX && !counts(IH_TEST_AWK, text, len);
}

bool ih_is_pure_sql(const char *text, size_t len)
{
	return len <= PURE_TEXT_MAX && !counts(IH_TEST_SQL, text, len);
}
