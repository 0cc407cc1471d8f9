// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Defines the maps once; every other program declares them through bpf/maps.h. */
#include "bpf/tables.h"

struct ih_map_active ih_active SEC(".maps");
struct ih_map_config ih_config SEC(".maps");
struct ih_map_inodes ih_inodes SEC(".maps");
struct ih_map_measure ih_measures SEC(".maps");
struct ih_map_tasks ih_tasks SEC(".maps");
struct ih_map_codes ih_codes SEC(".maps");
struct ih_map_alike ih_namesakes SEC(".maps");
struct ih_map_tables ih_grammars SEC(".maps");
struct ih_map_trees ih_trees SEC(".maps");
struct ih_map_seeds ih_seeds SEC(".maps");
struct ih_map_events ih_events SEC(".maps");
struct ih_map_counts ih_counts SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
