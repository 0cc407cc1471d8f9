/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for policy/shebang.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "policy/shebang.h"

struct row {
	char name[40], head[64];
	size_t len; /* 0: strlen() */
	int error;
	char interpreter[32], argument[48];
};

static const struct row rows[] = {
	{ "plain", "#!/bin/sh\necho", 0, 0, "/bin/sh", "" },
	{ "argument", "#!/bin/sh -e\n", 0, 0, "/bin/sh", "-e" },
	{ "one argument whatever is in it", "#!/usr/bin/env -S a  b \n", 0, 0, "/usr/bin/env",
	  "-S a  b" },
	{ "blanks before the name", "#! \t /bin/sh\n", 0, 0, "/bin/sh", "" },
	{ "blanks behind the name", "#!/bin/sh \t \n", 0, 0, "/bin/sh", "" },
	{ "tab between", "#!/bin/sh\t-e\n", 0, 0, "/bin/sh", "-e" },
	{ "carriage return belongs to the name", "#!/bin/sh\r\n", 0, 0, "/bin/sh\r", "" },
	{ "no line feed", "#!/bin/sh -e", 0, 0, "/bin/sh", "-e" },
	{ "NUL ends the name", "#!/bin/sh\0 -e\n", 14, 0, "/bin/sh", "" },
	{ "NUL ends the argument", "#!/bin/sh -e\0x\n", 15, 0, "/bin/sh", "-e" },
	{ "relative", "#!sh\n", 0, 0, "sh", "" },
	{ "no shebang", "echo\n", 0, -ENOENT, "", "" },
	{ "one byte", "#", 0, -ENOENT, "", "" },
	{ "not at the start", " #!/bin/sh\n", 0, -ENOENT, "", "" },
	{ "nothing named", "#!\n", 0, -ENOEXEC, "", "" },
	{ "blanks only", "#!  \t\n", 0, -ENOEXEC, "", "" },
	{ "NUL first", "#!\0/bin/sh\n", 11, -ENOEXEC, "", "" },
};

Test(shebang, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct ih_shebang sb = { "untouched", "untouched" };
		size_t len = row->len ? row->len : strlen(row->head);
		int r = ih_shebang_parse(row->head, len, &sb, NULL);

		cr_expect_eq(r, row->error, "%s: returned %d", row->name, r);
		cr_expect_str_eq(sb.interpreter, r ? "untouched" : row->interpreter, "%s: '%s'",
				 row->name, sb.interpreter);
		cr_expect_str_eq(sb.argument, r ? "untouched" : row->argument, "%s: '%s'",
				 row->name, sb.argument);
	}
}

/* Around 256 bytes: what may be cut off and what may not. */
Test(shebang, length)
{
	char head[300];
	struct ih_shebang sb;

	memset(head, 'x', sizeof(head));
	memcpy(head, "#!/", 3);
	cr_expect_eq(ih_shebang_parse(head, sizeof(head), &sb, NULL), -ENOEXEC, "cut-off name");
	head[254] = '\n';
	cr_expect_eq(ih_shebang_parse(head, sizeof(head), &sb, NULL), 0, "name of 252 bytes");
	cr_expect_eq(strlen(sb.interpreter), 252, "all of it");
	head[254] = 'x';
	head[10] = ' ';
	cr_expect_eq(ih_shebang_parse(head, sizeof(head), &sb, NULL), 0, "cut-off argument");
	cr_expect_eq(strlen(sb.argument), 255 - 11, "as much as Linux takes: %zu",
		     strlen(sb.argument));
}

struct nix_row {
	char name[40], text[120];
	int result;
	char interpreter[24];
};

static const struct nix_row nix_rows[] = {
	{ "second line", "#!/usr/bin/env nix-shell\n#! nix-shell -i python3 -p python3\nx", 0,
	  "python3" },
	{ "no blank", "#!/bin/nix-shell\n#!nix-shell -i sh\n", 0, "sh" },
	{ "options before it", "#! nix-shell\n#! nix-shell -p a --pure -i bash\n", 0, "bash" },
	{ "two lines, last counts", "#! nix-shell\n#! nix-shell -i sh\nx\n#! nix-shell -i perl", 0,
	  "perl" },
	{ "options of its own", "#! nix-shell\n#! nix-shell -i 'python3 -u'\n", 0, "python3 -u" },
	{ "long name", "#! nix-shell\n#!\tnix-shell --interpreter ruby", 0, "ruby" },
	{ "first line is not looked at", "#! nix-shell -i sh\n", -ENOENT, "" },
	{ "none", "#! nix-shell\n#! nix-shell -p a\n", -ENOENT, "" },
	{ "no shebang", "x\n#! nix-shell -i sh\n", -ENOENT, "" },
	{ "another program", "#! nix-shell\n#! nix-shellx -i sh\n", -ENOENT, "" },
	{ "nothing behind -i", "#! nix-shell\n#! nix-shell -i\n", -EBADMSG, "" },
	{ "more than a program", "#! nix-shell\n#! nix-shell -i 'sh;id'\n", -EBADMSG, "" },
	{ "open quote", "#! nix-shell\n#! nix-shell -i 'sh\n", -EBADMSG, "" },
	{ "empty", "", -ENOENT, "" },
};

Test(shebang, nix_shell)
{
	char interpreter[IH_SHEBANG_MAX], *large;

	for (size_t i = 0; i < sizeof(nix_rows) / sizeof(nix_rows[0]); i++) {
		const struct nix_row *row = &nix_rows[i];
		struct ih_diag diag = { 0 };
		int r = ih_shebang_nix_shell(row->text, strlen(row->text), interpreter, &diag);

		cr_expect_eq(r, row->result, "%s: %d", row->name, r);
		if (r == 0)
			cr_expect_str_eq(interpreter, row->interpreter, "%s: '%s'", row->name,
					 interpreter);
		if (r == -EBADMSG)
			cr_expect(diag.text[0], "%s: no sentence", row->name);
	}
	large = calloc(1, IH_SHEBANG_NIX_MAX + 1);
	cr_assert(large);
	cr_expect_eq(ih_shebang_nix_shell(large, IH_SHEBANG_NIX_MAX + 1, interpreter, NULL),
		     -EFBIG);
	free(large);
}
