/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers of a TPM, by tpm2-tss. The only file that knows it. */
#include "bootchain/tpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "common/cleanup.h"

/* What the kernel offers, the resource manager first: beside others, without it, handles run out.
 */
static const struct {
	const char *path, *tcti;
} devices[] = {
	{ "/dev/tpmrm0", "device:/dev/tpmrm0" },
	{ "/dev/tpm0", "device:/dev/tpm0" },
};

enum { EXTENDABLE = 16 }; /* 16 and 23 are for debugging and applications, 17 to 22 for a launch */

struct ih_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
};

static const char *find_device(void)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(devices); i++)
		if (access(devices[i].path, F_OK) == 0)
			return devices[i].tcti;
	return NULL;
}

/* tpm2-tss writes its own lines to stderr unless told not to; ours is the one sentence. */
static void be_quiet(void)
{
	(void)setenv("TSS2_LOG", "all+NONE", 1);
}

int ih_tpm_open(const char *tcti, struct ih_tpm **ret, struct ih_diag *diag)
{
	_cleanup_(ih_tpm_freep) struct ih_tpm *tpm = calloc(1, sizeof(*tpm));
	TSS2_RC rc;

	if (!tpm)
		return -ENOMEM;
	if (!tcti || !strcmp(tcti, "default"))
		tcti = find_device();
	if (!tcti)
		return ih_fail(diag, -ENODEV,
			       "this machine has no TPM (neither '%s' nor '%s' is there)",
			       devices[0].path, devices[1].path);
	be_quiet();
	rc = Tss2_TctiLdr_Initialize(tcti, &tpm->tcti);
	if (rc == TSS2_TCTI_RC_IO_ERROR || rc == TSS2_TCTI_RC_NO_CONNECTION ||
	    rc == TSS2_TCTI_RC_NOT_SUPPORTED)
		return ih_fail(diag, -ENODEV, "no TPM answers at '%s': %s", tcti,
			       Tss2_RC_Decode(rc));
	if (rc != TSS2_RC_SUCCESS)
		return ih_fail(diag, -EIO, "cannot connect to the TPM at '%s': %s", tcti,
			       Tss2_RC_Decode(rc));
	rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return ih_fail(diag, -EIO, "cannot talk to the TPM at '%s': %s", tcti,
			       Tss2_RC_Decode(rc));
	*ret = TAKE_PTR(tpm);
	return 0;
}

void ih_tpm_free(struct ih_tpm *tpm)
{
	if (!tpm)
		return;
	if (tpm->esys)
		Esys_Finalize(&tpm->esys);
	if (tpm->tcti)
		Tss2_TctiLdr_Finalize(&tpm->tcti);
	free(tpm);
}

void ih_tpm_freep(struct ih_tpm **tpm)
{
	ih_tpm_free(*tpm);
	*tpm = NULL;
}

static TPML_PCR_SELECTION select_registers(uint16_t alg, uint32_t wanted)
{
	TPML_PCR_SELECTION s = { .count = 1 };

	s.pcrSelections[0].hash = alg;
	s.pcrSelections[0].sizeofSelect = 3;
	for (int i = 0; i < 3; i++)
		s.pcrSelections[0].pcrSelect[i] = (BYTE)(wanted >> 8 * i);
	return s;
}

static uint32_t selected(const TPML_PCR_SELECTION *s)
{
	uint32_t bits = 0;

	if (s->count < 1)
		return 0;
	for (int i = 0; i < 3 && i < s->pcrSelections[0].sizeofSelect; i++)
		bits |= (uint32_t)s->pcrSelections[0].pcrSelect[i] << 8 * i;
	return bits;
}

/* The values come in the order of the selection that the TPM returns. */
static int store(struct ih_pcrs *pcrs, uint32_t got, const TPML_DIGEST *values)
{
	size_t size = ih_hash_size(pcrs->algo);
	unsigned int n = 0;

	for (unsigned int i = 0; i < IH_PCRS; i++) {
		if (!(got >> i & 1))
			continue;
		if (n >= values->count || values->digests[n].size != size)
			return -EIO;
		memcpy(pcrs->value[i], values->digests[n++].buffer, size);
		pcrs->known |= 1u << i;
	}
	return 0;
}

/* At most eight values come at once. */
int ih_tpm_read(struct ih_tpm *tpm, enum ih_hash_algo algo, struct ih_pcrs *ret,
		struct ih_diag *diag)
{
	uint32_t left = (1u << IH_PCRS) - 1;
	struct ih_pcrs pcrs = { .algo = algo };
	uint16_t alg = ih_pcr_tpm_alg(algo);

	if (!alg)
		return ih_fail(diag, -ENOENT, "a TPM has no %s bank", ih_hash_name(algo));
	while (left) {
		TPML_PCR_SELECTION in = select_registers(alg, left), *out = NULL;
		TPML_DIGEST *values = NULL;
		uint32_t got, counter;
		TSS2_RC rc;
		int r;

		rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in,
				   &counter, &out, &values);
		if (rc != TSS2_RC_SUCCESS)
			return ih_fail(diag, -EIO, "the TPM does not read its registers: %s",
				       Tss2_RC_Decode(rc));
		got = selected(out) & left;
		r = store(&pcrs, got, values);
		Esys_Free(out);
		Esys_Free(values);
		if (r < 0)
			return ih_fail(diag, r,
				       "the TPM answers with something else than registers");
		if (!got)
			break;
		left &= ~got;
	}
	if (!pcrs.known)
		return ih_fail(diag, -ENOENT, "the TPM has no %s bank", ih_hash_name(algo));
	*ret = pcrs;
	return 0;
}

/* One digest for each bank that the TPM has. */
static int hash_for_banks(const TPML_PCR_SELECTION *banks, const void *data, size_t len,
			  TPML_DIGEST_VALUES *ret, struct ih_diag *diag)
{
	*ret = (TPML_DIGEST_VALUES){ 0 };
	for (UINT32 i = 0; i < banks->count; i++) {
		const TPMS_PCR_SELECTION *bank = &banks->pcrSelections[i];
		TPML_PCR_SELECTION one = { .count = 1, .pcrSelections = { *bank } };
		struct ih_digest digest;
		int r;

		if (!selected(&one))
			continue; /* switched off */
		r = ih_hash_once(ih_pcr_bank(bank->hash), data, len, &digest);
		if (r < 0)
			return ih_fail(
				diag, -EOPNOTSUPP,
				"the TPM has a bank of algorithm 0x%04x, which cannot be computed"
				" and must not stay behind; switch it off in the firmware",
				bank->hash);
		ret->digests[ret->count].hashAlg = bank->hash;
		memcpy(&ret->digests[ret->count].digest, digest.bytes, ih_hash_size(digest.algo));
		ret->count++;
	}
	return ret->count ? 0 : ih_fail(diag, -EIO, "the TPM has no bank of registers");
}

int ih_tpm_measure(struct ih_tpm *tpm, unsigned int pcr, const void *data, size_t len,
		   struct ih_diag *diag)
{
	TPMS_CAPABILITY_DATA *capability = NULL;
	TPML_DIGEST_VALUES digests;
	TPMI_YES_NO more;
	TSS2_RC rc;
	int r;

	if (pcr >= EXTENDABLE)
		return ih_fail(diag, -EINVAL, "register %u is not for what a system measures", pcr);
	rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_PCRS,
				0, 1, &more, &capability);
	if (rc != TSS2_RC_SUCCESS)
		return ih_fail(diag, -EIO, "the TPM does not say which banks it has: %s",
			       Tss2_RC_Decode(rc));
	r = hash_for_banks(&capability->data.assignedPCR, data, len, &digests, diag);
	Esys_Free(capability);
	if (r < 0)
		return r;
	rc = Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, &digests);
	if (rc != TSS2_RC_SUCCESS)
		return ih_fail(diag, -EIO, "the TPM does not extend register %u: %s", pcr,
			       Tss2_RC_Decode(rc));
	return 0;
}
