/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linear probing with backward-shift removal: no tombstones, so 10,000 short lives cost nothing. */
#include "wrapper/tasks.h"

#include <stdlib.h>

#include "wrapper/tree.h"

#define SIZE_FIRST 64

static size_t home_of(const struct ih_tasks *tasks, pid_t pid)
{
	return ((uint32_t)pid * 2654435769U) & (tasks->size - 1);
}

static size_t place_of(const struct ih_tasks *tasks, pid_t pid)
{
	size_t i = home_of(tasks, pid);

	while (tasks->slots[i].pid && tasks->slots[i].pid != pid)
		i = (i + 1) & (tasks->size - 1);
	return i;
}

static bool grow(struct ih_tasks *tasks)
{
	struct ih_tasks larger = { .size = tasks->size ? tasks->size * 2 : SIZE_FIRST };

	if (tasks->n >= IH_TREE_TASKS_MAX)
		return false;
	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < tasks->size; i++)
		if (tasks->slots[i].pid)
			larger.slots[place_of(&larger, tasks->slots[i].pid)] = tasks->slots[i];
	free(tasks->slots);
	tasks->slots = larger.slots;
	tasks->size = larger.size;
	return true;
}

struct ih_task *ih_tasks_find(const struct ih_tasks *tasks, pid_t pid)
{
	size_t i;

	if (!tasks->size || pid <= 0)
		return NULL;
	i = place_of(tasks, pid);
	return tasks->slots[i].pid ? &tasks->slots[i] : NULL;
}

struct ih_task *ih_tasks_add(struct ih_tasks *tasks, pid_t pid)
{
	struct ih_task *t = ih_tasks_find(tasks, pid);

	if (t || pid <= 0)
		return t;
	if (tasks->n * 2 >= tasks->size && !grow(tasks))
		return NULL;
	t = &tasks->slots[place_of(tasks, pid)];
	*t = (struct ih_task){ .pid = pid };
	tasks->n++;
	return t;
}

enum ih_provenance ih_tasks_provenance(const struct ih_tasks *tasks, pid_t pid)
{
	const struct ih_task *t = ih_tasks_find(tasks, pid);

	return t && t->is_known ? t->provenance : IH_PROVENANCE_UNVERIFIED;
}

void ih_tasks_remove(struct ih_tasks *tasks, pid_t pid)
{
	struct ih_task *t = ih_tasks_find(tasks, pid);
	size_t hole, i, mask = tasks->size - 1;

	if (!t)
		return;
	if (t->is_waiting)
		tasks->n_waiting--;
	hole = (size_t)(t - tasks->slots);
	*t = (struct ih_task){ 0 };
	tasks->n--;
	for (i = (hole + 1) & mask; tasks->slots[i].pid; i = (i + 1) & mask) {
		size_t home = home_of(tasks, tasks->slots[i].pid);

		/* Stays where it is unless the hole lies between its home and its place. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		tasks->slots[hole] = tasks->slots[i];
		tasks->slots[i] = (struct ih_task){ 0 };
		hole = i;
	}
}

void ih_tasks_done(struct ih_tasks *tasks)
{
	free(tasks->slots);
	*tasks = (struct ih_tasks){ 0 };
}
