// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a file must contain after a process that wrote to it was killed at any
 * moment, see model.h.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "tap.h"

#define BLOCK_WORDS (1024UL * 1024 / MODEL_WORD)
#define NO_WORD (~0UL)

/* Who has lost one word may have lost a million. */
#define PRINT_MAX 8

void model_quiet(struct model *model)
{
	unsigned int i;

	for (i = 0; i < MODEL_THREADS; i++)
		model->intents[i].word = NO_WORD;
	model->stores = 0;
}

/* The intent is never half of one and half of another. */
void model_store(struct model *model, unsigned int thread, uint64_t *file,
		 uint64_t word, uint64_t value)
{
	struct intent *intent = &model->intents[thread];

	__atomic_store_n(&intent->word, NO_WORD, __ATOMIC_SEQ_CST);
	__atomic_store_n(&intent->value, value, __ATOMIC_SEQ_CST);
	__atomic_store_n(&intent->word, word, __ATOMIC_SEQ_CST);
	__atomic_store_n(&file[word], value, __ATOMIC_SEQ_CST);
	__atomic_store_n(&model->image[word], value, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&model->stores, 1, __ATOMIC_RELAXED);
}

/* Is it what the store in flight of some thread would make of it? */
static bool is_in_flight(const struct model *model, uint64_t word,
			 uint64_t value)
{
	unsigned int i;

	for (i = 0; i < MODEL_THREADS; i++)
		if (model->intents[i].word == word &&
		    model->intents[i].value == value)
			return true;
	return false;
}

static unsigned int compare_word(struct model *model, uint64_t word,
				 uint64_t found, unsigned int different,
				 unsigned int *in_flight)
{
	uint64_t expected = model->image[word];

	if (found == expected)
		return 0;
	model->image[word] = found;
	if (is_in_flight(model, word, found)) {
		(*in_flight)++;
		return 0;
	}
	if (different < PRINT_MAX)
		tap_note("at %zu: %016llx, and not %016llx",
			 (size_t)word * MODEL_WORD, (unsigned long long)found,
			 (unsigned long long)expected);
	return 1;
}

static unsigned int compare_size(struct model *model, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		tap_bail("fstat");
	if ((uint64_t)st.st_size == model->size)
		return 0;
	tap_note("size %lld, and not %llu", (long long)st.st_size,
		 (unsigned long long)model->size);
	if (ftruncate(fd, model->size))
		tap_bail("ftruncate");
	return 1;
}

unsigned int model_compare(struct model *model, int fd, unsigned int *in_flight)
{
	static uint64_t block[BLOCK_WORDS];
	unsigned int different = compare_size(model, fd);
	uint64_t off, i;
	ssize_t got;

	for (off = 0; off < model->size; off += got) {
		got = pread(fd, block, sizeof(block), off);
		if (got <= 0 || got % MODEL_WORD)
			tap_bail("read at %llu: %zd", (unsigned long long)off,
				 got);
		for (i = 0; i < got / MODEL_WORD; i++)
			different += compare_word(model, off / MODEL_WORD + i,
						  block[i], different,
						  in_flight);
	}
	return different;
}
