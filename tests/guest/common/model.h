/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a file must contain after a process that wrote to it by a shared mapping
 * was killed at any moment.
 *
 * The model is an image of the file in memory that everybody shares.  A writer
 * says what it is going to store (intent), stores it, and then stores it in the
 * image.  So each word of the file must be that of the image, except for those in
 * an intent, one for each thread, which may also be what the intent says.
 */
#ifndef _MODEL_H
#define _MODEL_H

#include <stddef.h>
#include <stdint.h>

/* The file's largest size, and what is written at once. */
#define MODEL_BYTES (10UL * 1024 * 1024)
#define MODEL_WORD sizeof(uint64_t)

#define MODEL_THREADS 2

/*
 * struct intent - the store that a thread is about to do, or has just done
 * @word: which of the file; all ones: none
 * @value: the value
 */
struct intent {
	uint64_t word;
	uint64_t value;
};

/*
 * struct model - shared by all that write
 * @intents: of the threads that may be killed
 * @stores: how many they have done
 * @size: of the file
 * @stop: asks whoever is not killed to end
 * @image: the contents
 */
struct model {
	struct intent intents[MODEL_THREADS];
	uint64_t stores;
	uint64_t size;
	int stop;
	uint64_t image[MODEL_BYTES / MODEL_WORD];
};

/* Nobody writes. */
void model_quiet(struct model *model);

/* In one of the threads: store a word, where the file is mapped at @file. */
void model_store(struct model *model, unsigned int thread, uint64_t *file,
		 uint64_t word, uint64_t value);

/*
 * Compare the file.  What differs is printed, and taken over into the image, so that
 * it is told once.  Returns how many words, or the size, differ; @in_flight grows by
 * those that an intent explains.
 */
unsigned int model_compare(struct model *model, int fd,
			   unsigned int *in_flight);

#endif /* _MODEL_H */
