/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event logs: parsing, replay in every bank, what the events say, comparison with itself. */
#include "bootchain/eventlog.h"
#include "bootchain/measure.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_eventlog log = { 0 };
	struct ih_text text = { 0 };
	struct ih_pcrs pcrs;
	struct ih_diag diag;

	if (ih_eventlog_parse("fuzz", data, size, &log, &diag) < 0)
		return 0;
	for (size_t i = 0; i < log.n; i++)
		(void)ih_event_describe(&log.events[i], &text);
	ih_text_done(&text);
	(void)ih_eventlog_check("fuzz", &log, &diag);
	for (size_t b = 0; b < IH_PCR_BANKS; b++)
		if (ih_eventlog_replay(&log, ih_pcr_bank_at(b), &pcrs, &diag) == 0)
			(void)ih_measure_compare_logs("fuzz", &log, "fuzz", &log, ih_pcr_bank_at(b),
						      &diag);
	ih_eventlog_done(&log);
	return 0;
}
