/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers of a real TPM implementation (swtpm); without it only what needs none is tested. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootchain/tpm.h"

#define SWTPM "/usr/bin/swtpm"

static char dir[] = "/tmp/ihard-tpm-XXXXXX";
static char tcti[128];
static pid_t child;

static void start(void)
{
	char state[64], server[96], control[96], socket[64];

	if (access(SWTPM, X_OK) < 0)
		cr_skip_test("swtpm is not here");
	cr_assert(mkdtemp(dir));
	snprintf(state, sizeof(state), "dir=%s", dir);
	snprintf(socket, sizeof(socket), "%s/socket", dir);
	snprintf(server, sizeof(server), "type=unixio,path=%s", socket);
	snprintf(control, sizeof(control), "type=unixio,path=%s.ctrl", socket);
	snprintf(tcti, sizeof(tcti), "swtpm:path=%s", socket);
	child = fork();
	if (!child) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(127);
		execl(SWTPM, SWTPM, "socket", "--tpm2", "--tpmstate", state, "--server", server,
		      "--ctrl", control, "--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && access(socket, F_OK) < 0; i++)
		usleep(10000);
}

static void stop(void)
{
	char command[96];

	if (child <= 0)
		return;
	(void)kill(child, SIGTERM);
	(void)waitpid(child, NULL, 0);
	for (const char *const *name = (const char *const[]){ "socket", "socket.ctrl", ".lock",
							      "tpm2-00.permall", NULL };
	     *name; name++) {
		snprintf(command, sizeof(command), "%s/%s", dir, *name);
		(void)unlink(command);
	}
	(void)rmdir(dir);
}

Test(tpm, registers_are_read_and_extended_in_every_bank, .init = start, .fini = stop)
{
	struct ih_diag diag = { "" };
	struct ih_pcrs is, should;
	struct ih_tpm *tpm = NULL;
	unsigned int banks = 0;

	cr_assert_eq(ih_tpm_open(tcti, &tpm, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_tpm_measure(tpm, 11, "hello", 5, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_tpm_measure(tpm, 11, "", 0, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_tpm_measure(tpm, 16, "x", 1, &diag), -EINVAL);
	cr_assert_eq(ih_tpm_measure(tpm, 99, "x", 1, &diag), -EINVAL);
	for (size_t b = 0; b < IH_PCR_BANKS; b++) {
		int r = ih_tpm_read(tpm, ih_pcr_bank_at(b), &is, &diag);

		if (r == -ENOENT)
			continue; /* a bank that this build of swtpm does not switch on */
		cr_assert_eq(r, 0, "%s", diag.text);
		cr_assert_eq(is.known, (1u << IH_PCRS) - 1);
		ih_pcrs_reset(&should, is.algo);
		cr_assert_eq(ih_pcr_measure(&should, 11, "hello", 5), 0);
		cr_assert_eq(ih_pcr_measure(&should, 11, "", 0), 0);
		for (unsigned int i = 0; i < IH_PCRS; i++)
			cr_assert(ih_pcr_equal(&is, &should, i), "%s register %u",
				  ih_hash_name(is.algo), i);
		banks++;
	}
	cr_assert_geq(banks, 1);
	cr_assert_eq(ih_tpm_read(tpm, IH_HASH_MD5, &is, &diag), -ENOENT);
	ih_tpm_free(tpm);
}

Test(tpm, no_tpm_is_a_sentence)
{
	struct ih_diag diag = { "" };
	struct ih_tpm *tpm = NULL;

	cr_assert_lt(ih_tpm_open("swtpm:path=/nonexistent/socket", &tpm, &diag), 0);
	cr_assert(strstr(diag.text, "at 'swtpm:path=/nonexistent/socket'"), "%s", diag.text);
	cr_assert_lt(ih_tpm_open("device:/nonexistent/tpm0", &tpm, &diag), 0);
	cr_assert_null(tpm);
	if (access("/dev/tpm0", F_OK) < 0 && access("/dev/tpmrm0", F_OK) < 0) {
		cr_assert_eq(ih_tpm_open(NULL, &tpm, &diag), -ENODEV);
		cr_assert(strstr(diag.text, "has no TPM"), "%s", diag.text);
	}
}
