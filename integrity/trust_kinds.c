/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of providers that there are. */
#include "integrity/trust_priv.h"

const struct ih_trust_ops *const ih_trust_kinds[IH_PROVIDER_MAX_] = {
	[IH_PROVIDER_NIX] = &ih_trust_nix,
	[IH_PROVIDER_PATHS] = &ih_trust_paths,
	[IH_PROVIDER_SEAL] = &ih_trust_seal,
};
