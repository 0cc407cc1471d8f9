/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard's socket from outside: a request is one line, the answer ends with the connection.
 *
 *	status    one JSON object (docs/schema/guard-status.schema.json)
 *	metrics   Prometheus text
 *	reload    "ok", or "error: <sentence>", when it is done
 *	unload    the same
 *	events    each event as it comes, one JSON object a line (ihard-event(5)); never ends
 */
#pragma once

#include <stddef.h>

#include "common/diag.h"
#include "common/text.h"

#define IH_CONTROL_REQUEST_MAX 64
#define IH_CONTROL_ANSWER_MAX  (4u << 20)

#define IH_CONTROL_STATUS  "status"
#define IH_CONTROL_METRICS "metrics"
#define IH_CONTROL_RELOAD  "reload"
#define IH_CONTROL_UNLOAD  "unload"
#define IH_CONTROL_EVENTS  "events"
#define IH_CONTROL_OK	   "ok"
#define IH_CONTROL_ERROR   "error: "

/**
 * ih_control_connect() - send a request
 * Return: a descriptor to read the answer from, or -ENOENT, -ECONNREFUSED (no guard runs), -EACCES
 * (only root may ask).
 */
int ih_control_connect(const char *socket, const char *request, struct ih_diag *diag);

/**
 * ih_control_ask() - a request and its whole answer
 * @ret: added to an empty text
 *
 * Return: 0; -EREMOTEIO when the guard refused, and @diag is its sentence.
 */
int ih_control_ask(const char *socket, const char *request, struct ih_text *ret,
		   struct ih_diag *diag);
