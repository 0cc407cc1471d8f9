/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy as text for people. */
#pragma once

#include "policy/policy.h"

void ih_policy_show(const struct ih_policy *policy);
