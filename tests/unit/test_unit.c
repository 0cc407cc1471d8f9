/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit the text of /proc/PID/cgroup says. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wrapper/unit.h"

struct row {
	char text[512], unit[IH_UNIT_NAME_MAX]; /* empty: none */
};

ParameterizedTestParameters(unit, from_text)
{
	static struct row rows[] = {
		{ "0::/system.slice/a.service\n", "a.service" },
		{ "0::/system.slice/system-getty.slice/getty@tty1.service\n",
		  "getty@tty1.service" },
		{ "0::/a.service/b.service\n", "a.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service\n",
		  "user@1000.service" },
		{ "0::/user.slice/user-1000.slice/session-2.scope\n", "session-2.scope" },
		{ "0::/a.service", "a.service" },
		{ "0::/a.service/", "a.service" },
		{ "0:://a.service\n", "a.service" },
		/* version 1: systemd's hierarchy counts, whatever the others say */
		{ "4:memory:/x.service\n1:name=systemd:/system.slice/a.service\n0::/b.service\n",
		  "a.service" },
		{ "1:name=systemd:/\n0::/b.service\n", "" },
		{ "0::/b.service\n1:name=systemd:/a.service\n", "a.service" },
		{ "2:name=systemdx:/a.service\n", "" },
		{ "2:cpu,cpuacct:/a.service\n", "" },
		/* none */
		{ "", "" },
		{ "0::/\n", "" },
		{ "0::/system.slice\n", "" },
		{ "0::/.service\n", "" },
		{ "0::/aservice\n", "" },
		{ "0::/a.service.d\n", "" },
		{ "nonsense\n", "" },
		{ "0:\n::\n", "" },
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, unit, from_text)
{
	char unit[IH_UNIT_NAME_MAX] = "";

	cr_assert_eq(ih_unit_parse(row->text, unit), row->unit[0] ? 0 : -ENOENT, "%s", row->text);
	cr_assert_str_eq(unit, row->unit, "%s", row->text);
}

Test(unit, names_that_are_too_long)
{
	char text[2 * IH_UNIT_NAME_MAX] = "0::/", unit[IH_UNIT_NAME_MAX] = "";

	memset(text + 4, 'x', IH_UNIT_NAME_MAX - 8);
	memcpy(text + IH_UNIT_NAME_MAX - 4, ".service", 9);
	cr_assert_eq(ih_unit_parse(text, unit), -ENOENT);
	text[4] = '/';
	cr_assert_eq(ih_unit_parse(text, unit), 0);
	cr_assert_eq(strlen(unit), IH_UNIT_NAME_MAX - 1);
}

Test(unit, of_a_process)
{
	char own[IH_UNIT_NAME_MAX] = "", same[IH_UNIT_NAME_MAX] = "";

	cr_assert_eq(ih_unit_of(0, own), ih_unit_of(getpid(), same));
	cr_assert_str_eq(own, same);
	cr_assert_lt(ih_unit_of(0x7ffffff, own), 0);
}
