// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the fuzzer draws, see fuzz.h.
 */
#include <pthread.h>

#include "files.h"
#include "fuzz.h"

/* Those that are there never change: readers need no lock. */
static struct input kept[FUZZ_KEPT];
static unsigned int nr_kept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t draw(struct draws *d)
{
	/* The low bits of xorshift64* are its worst. */
	return random_next(&d->rng) >> 16 | random_next(&d->rng) << 48;
}

void draws_begin(struct draws *d)
{
	unsigned int nr = __atomic_load_n(&nr_kept, __ATOMIC_ACQUIRE), changes;

	d->now.nr = 0;
	d->old.nr = 0;
	if (!nr || draw(d) % 4 == 0)
		return;
	d->old = kept[draw(d) % nr];
	/* As it was up to there, and another end; or the same but for some. */
	if (draw(d) % 4 == 0) {
		d->old.nr = draw(d) % (d->old.nr + 1);
		return;
	}
	for (changes = 1 + draw(d) % 4; changes && d->old.nr; changes--)
		d->old.number[draw(d) % d->old.nr] = draw(d);
}

uint64_t draws_any(struct draws *d)
{
	unsigned int i = d->now.nr;
	uint64_t number = i < d->old.nr ? d->old.number[i] : draw(d);

	if (i < FUZZ_DRAWS)
		d->now.number[d->now.nr++] = number;
	return number;
}

void draws_keep(const struct draws *d)
{
	pthread_mutex_lock(&lock);
	if (nr_kept < FUZZ_KEPT) {
		kept[nr_kept] = d->now;
		__atomic_store_n(&nr_kept, nr_kept + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
}

unsigned int draws_kept(void)
{
	return nr_kept;
}
