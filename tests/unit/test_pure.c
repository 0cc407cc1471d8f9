/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables for policy/pure.c. Beside each text that is pure stands one that differs little and is
 * not: a wrong yes would run code.
 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "policy/pure.h"

typedef bool recogniser(const char *text, size_t len);

static const struct row {
	recogniser *is;
	bool want;
	char text[48];
} rows[] = {
	{ ih_is_pure_sed, true, "s/a/b/g" },
	{ ih_is_pure_sed, false, "s/a/b/e" },
	{ ih_is_pure_sed, false, "s/a/b/w x" },
	{ ih_is_pure_sed, true, "1,/x/d;p" },
	{ ih_is_pure_sed, false, "1e id" },
	{ ih_is_pure_sed, false, "e" },
	{ ih_is_pure_sed, false, "w x" },
	{ ih_is_pure_sed, false, "r x" },
	{ ih_is_pure_sed, false, "s/[/]/x/e" },
	{ ih_is_pure_sed, true, "/a/{n;p}" },
	{ ih_is_pure_sed, false, "/a/{n;e id\n}" },
	{ ih_is_pure_sed, true, "s|/a|/b|" },
	{ ih_is_pure_sed, false, "s|/a|/b|;W x" },
	{ ih_is_pure_sed, true, "y/ab/cd/" },
	{ ih_is_pure_sed, false, "#n\ne id" },
	{ ih_is_plain_command, true, "/usr/bin/report daily --to=a@b.c" },
	{ ih_is_plain_command, false, "usr/bin/report" },
	{ ih_is_plain_command, false, "eval /x" },
	{ ih_is_plain_command, false, " /usr/bin/report" },
	{ ih_is_plain_command, false, "" },
	{ ih_is_plain_command, false, "/usr/bin/report; id" },
	{ ih_is_plain_command, false, "/usr/bin/report\nid" },
	{ ih_is_plain_command, false, "/usr/bin/report\tid" },
	{ ih_is_plain_command, false, "/usr/bin/report $X" },
	{ ih_is_plain_command, false, "/usr/bin/report `id`" },
	{ ih_is_plain_command, false, "/usr/bin/report >x" },
	{ ih_is_plain_command, false, "/usr/bin/report &" },
	{ ih_is_plain_command, false, "/usr/bin/report ~/x" },
	{ ih_is_plain_command, false, "/usr/bin/report 'x'" },
	{ ih_is_plain_command, false, "/usr/bin/report {a,b}" },
	{ ih_is_pure_awk, true, "{print $1}" },
	{ ih_is_pure_awk, false, "{print $1 > \"x\"}" },
	{ ih_is_pure_awk, false, "{print $1 | \"id\"}" },
	{ ih_is_pure_awk, false, "BEGIN{system(\"id\")}" },
	{ ih_is_pure_awk, true, "BEGIN{print \"system(1)\"}" },
	{ ih_is_pure_awk, false, "BEGIN{\"id\" | getline x}" },
	{ ih_is_pure_awk, false, "@load \"x\"" },
	{ ih_is_pure_awk, true, "$1 > 3 || $2" },
	{ ih_is_pure_awk, false, "BEGIN{f=\"system\";@f(\"id\")}" },
	{ ih_is_pure_awk, false, "{x=1/system(\"id\")/2}" },
	{ ih_is_pure_sql, true, "select 1" },
	{ ih_is_pure_sql, false, ".shell id" },
	{ ih_is_pure_sql, false, " .shell id" },
	{ ih_is_pure_sql, false, "select Load_Extension('x')" },
	{ ih_is_pure_sql, false, "select 1;\n.shell id" },
	{ ih_is_pure_sql, false, "select writefile('x','y')" },
	{ ih_has_expansion, false, "+ $PWD ${X} " },
	{ ih_has_expansion, true, "$(id)" },
	{ ih_has_expansion, true, "`id`" },
	{ ih_has_expansion, true, "${x@P}" },
	{ ih_has_expansion, true, "${!x}" },
	{ ih_has_expansion, true, "$[x]" },
	{ ih_is_function, true, "() { id; }" },
	{ ih_is_function, false, "x() { id; }" },
	{ ih_is_plain_word, true, "/a/b-c.d=e" },
	{ ih_is_plain_word, false, "a b" },
	{ ih_is_plain_word, false, "a;b" },
	{ ih_is_plain_words, true, "a b" },
	{ ih_is_plain_words, false, "a\nb" },
	{ ih_is_plain_words, false, "a&b" },
	{ ih_is_plain_assignment, true, "A=b" },
	{ ih_is_plain_assignment, false, "A=/b" },
	{ ih_is_plain_assignment, true, "a/b" },
	{ ih_has_make_function, false, "$(CC) x" },
	{ ih_has_make_function, true, "$(shell id)" },
	{ ih_has_make_function, true, "${ eval x}" },
	{ ih_is_number, true, "12" },
	{ ih_is_number, false, "" },
	{ ih_is_number, false, "-1" },
	{ ih_is_lesspipe, true, "| /usr/bin/lesspipe %s" },
	{ ih_is_lesspipe, true, "||/bin/lesspipe.sh %s" },
	{ ih_is_lesspipe, false, "| /usr/bin/lesspipe %s;id" },
	{ ih_is_lesspipe, false, "| id lesspipe" },
	{ ih_is_plain_less, true, "-R --mouse -x4" },
	{ ih_is_plain_less, true, "FRX" },
	{ ih_is_plain_less, false, "+!id" },
	{ ih_is_plain_less, false, "R$+G" },
	{ ih_is_plain_less, false, "-k/x" },
	{ ih_is_plain_less, false, "-Rk/x" },
	{ ih_is_plain_less, false, "--lesskey-src=x" },
	{ ih_is_plain_less, false, "--less=x" },
	{ ih_is_plain_less, true, "--quit-if-one-screen" },
	{ ih_has_linker_plugin, false, "-rpath,/x" },
	{ ih_has_linker_plugin, true, "-O1,--plugin,/x" },
	{ ih_has_linker_plugin, true, "@x" },
	{ ih_is_module_name, true, "A::B" },
	{ ih_is_module_name, true, "-A" },
	{ ih_is_module_name, true, "A=b,c" },
	{ ih_is_module_name, false, "A;id" },
	{ ih_is_module_name, false, "A b" },
	{ ih_is_module_name, false, "-" },
	{ ih_is_plain_pattern, true, ":" },
	{ ih_is_plain_pattern, true, "/,/" },
	{ ih_is_plain_pattern, false, "/,/;id;/x/" },
	{ ih_is_plain_pattern, false, "/(?{id})/" },
	{ ih_has_dotted_category, false, "error::DeprecationWarning" },
	{ ih_has_dotted_category, true, "error::a.b" },
	{ ih_has_dotted_category, false, "a.b" },
};

Test(pure, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);
		char *exact = malloc(len ? len : 1); /* a sanitizer sees a read past the end */

		cr_assert(exact);
		memcpy(exact, rows[i].text, len);
		cr_expect_eq(rows[i].is(exact, len), rows[i].want, "row %zu: '%s'", i,
			     rows[i].text);
		free(exact);
	}
}

/* What is cut off at any place never becomes more than it was: no crash, no read past the end. */
Test(pure, beginnings)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t len = 0; len < strlen(rows[i].text); len++) {
			char *exact = malloc(len ? len : 1);

			cr_assert(exact);
			memcpy(exact, rows[i].text, len);
			(void)rows[i].is(exact, len);
			free(exact);
		}
}
