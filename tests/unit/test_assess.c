/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bootchain/assess.c: the list as it is read, and checks that pass, fail, hang and leave children.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/assess.h"

struct list_row {
	char what[40], text[260];
	int error;
	char says[140];
	size_t n;
	enum ih_assess_action action;
};

static const struct list_row list_rows[] = {
	{ "unit", "{\"version\":1,\"checks\":[{\"unit\":\"a.service\"}]}", 0, "", 1,
	  IH_ASSESS_FAIL },
	{ "command and limits",
	  "{\"version\":1,\"timeLimit\":60,\"onFailure\":\"bad\",\"checks\":[{\"command\":[\"/bin/"
	  "true\",\"x\"],\"timeLimit\":5,\"name\":\"n\"}]}",
	  0, "", 1, IH_ASSESS_BAD },
	{ "reboot", "{\"version\":1,\"onFailure\":\"reboot\",\"checks\":[{\"unit\":\"a.b\"}]}", 0,
	  "", 1, IH_ASSESS_REBOOT },
	{ "no version", "{\"checks\":[{\"unit\":\"a.b\"}]}", -EBADMSG,
	  "needs 'version', which is 1", 0, 0 },
	{ "version 2", "{\"version\":2,\"checks\":[{\"unit\":\"a.b\"}]}", -EBADMSG, "version", 0,
	  0 },
	{ "no checks", "{\"version\":1}", -EBADMSG, "needs 'checks', an array", 0, 0 },
	{ "empty", "{\"version\":1,\"checks\":[]}", -EBADMSG,
	  "is empty: a boot that nobody checks is not good", 0, 0 },
	{ "neither", "{\"version\":1,\"checks\":[{\"name\":\"x\"}]}", -EBADMSG,
	  "must have 'unit' or 'command', and not both", 0, 0 },
	{ "both", "{\"version\":1,\"checks\":[{\"unit\":\"a.b\",\"command\":[\"/x\"]}]}", -EBADMSG,
	  "must have 'unit' or 'command', and not both", 0, 0 },
	{ "relative command", "{\"version\":1,\"checks\":[{\"command\":[\"true\"]}]}", -EBADMSG,
	  "must be an array of words, the first an absolute path", 0, 0 },
	{ "empty command", "{\"version\":1,\"checks\":[{\"command\":[]}]}", -EBADMSG,
	  "must be an array of words, the first an absolute path", 0, 0 },
	{ "shell text", "{\"version\":1,\"checks\":[{\"command\":\"/bin/true\"}]}", -EBADMSG,
	  "must be an array", 0, 0 },
	{ "unit is an option", "{\"version\":1,\"checks\":[{\"unit\":\"--all.x\"}]}", -EBADMSG,
	  "must be the full name of a unit", 0, 0 },
	{ "unit without a type", "{\"version\":1,\"checks\":[{\"unit\":\"sshd\"}]}", -EBADMSG,
	  "must be the full name of a unit", 0, 0 },
	{ "unknown key", "{\"version\":1,\"checks\":[{\"unit\":\"a.b\",\"user\":\"x\"}]}", -EBADMSG,
	  "user", 0, 0 },
	{ "limit of zero", "{\"version\":1,\"checks\":[{\"unit\":\"a.b\",\"timeLimit\":0}]}",
	  -EBADMSG, "timeLimit", 0, 0 },
	{ "unknown action", "{\"version\":1,\"onFailure\":\"x\",\"checks\":[{\"unit\":\"a.b\"}]}",
	  -EBADMSG, "must be 'fail', 'bad' or 'reboot', not 'x'", 0, 0 },
	{ "no JSON", "checks: []", -EBADMSG, "line 1", 0, 0 },
};

Test(assess, list)
{
	for (size_t i = 0; i < sizeof(list_rows) / sizeof(list_rows[0]); i++) {
		const struct list_row *row = &list_rows[i];
		struct ih_assessment a = { 0 };
		struct ih_diag diag = { 0 };

		cr_expect_eq(ih_assess_parse("f", row->text, strlen(row->text), "/bin/systemctl",
					     &a, &diag),
			     row->error, "%s: %s", row->what, diag.text);
		cr_expect(strstr(diag.text, row->says), "%s: %s", row->what, diag.text);
		cr_expect_eq(a.n, row->n, "%s", row->what);
		cr_expect_eq(a.action, row->action, "%s", row->what);
		ih_assessment_done(&a);
	}
}

struct run_row {
	char what[32], script[100];
	unsigned int milliseconds;
	enum ih_check_result result;
	int status;
};

static const struct run_row run_rows[] = {
	{ "passes", "exit 0", 5000, IH_CHECK_PASSED, 0 },
	{ "fails", "exit 3", 5000, IH_CHECK_FAILED, 3 },
	{ "dies", "kill -TERM $$", 5000, IH_CHECK_FAILED, 128 + 15 },
	{ "hangs", "sleep 60", 300, IH_CHECK_TIMEOUT, 128 + 9 },
	{ "hangs and will not end", "trap '' TERM INT HUP; sleep 60; sleep 60", 300,
	  IH_CHECK_TIMEOUT, 128 + 9 },
	{ "reads its input", "cat; exit 4", 5000, IH_CHECK_FAILED, 4 },
	{ "leaves a child", "sleep 60 & exit 0", 5000, IH_CHECK_PASSED, 0 },
};

Test(assess, run, .timeout = 60)
{
	for (size_t i = 0; i < sizeof(run_rows) / sizeof(run_rows[0]); i++) {
		const struct run_row *row = &run_rows[i];
		char shell[] = "/bin/sh", c[] = "-c", script[100];
		char *words[] = { shell, c, script, NULL };
		struct ih_check check = { .name = shell, .words = words };
		struct ih_check_outcome o;

		memcpy(script, row->script, sizeof(script));
		o = ih_check_run(&check, row->milliseconds);
		cr_expect_eq(o.result, row->result, "%s: result %d", row->what, o.result);
		cr_expect_eq(o.status, row->status, "%s: status %d", row->what, o.status);
		cr_expect_lt(o.milliseconds, 5000, "%s", row->what);
	}
}

Test(assess, not_there)
{
	char none[] = "/nonexistent/program";
	char *words[] = { none, NULL };
	struct ih_check check = { .name = none, .words = words };
	struct ih_check_outcome o = ih_check_run(&check, 1000);

	cr_expect_eq(o.result, IH_CHECK_FAILED);
	cr_expect_eq(o.status, 127);
}

Test(assess, nobody_filled_in_is_a_failure)
{
	cr_expect_eq(IH_CHECK_FAILED, 0);
	cr_expect_eq(IH_ASSESS_FAIL, 0);
}
