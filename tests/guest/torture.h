/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Torture: hostile victims, disturbances and callers, all drawn by lot.
 *
 * A round draws some victims, lets callers loose on them while disturbances go on, ends
 * what is left, and looks at the invariants.  What a round does depends on its seed
 * alone; when things happen is the scheduler's.
 */
#ifndef _TORTURE_H
#define _TORTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define TORTURE_VICTIMS 4
#define TORTURE_CALLERS 6
#define TORTURE_DISTURBANCES 3
/* In a round that has many: they are small, and each caller makes several calls. */
#define TORTURE_SWARM 60
#define TORTURE_FILE_BYTES (2UL * 1024 * 1024)
/* Who has not come back by then never will. */
#define TORTURE_PATIENCE 120000

/* All victims and what they start are in this group, or in the one below. */
#define TORTURE_GROUP "torture"
#define TORTURE_SUBGROUP "torture/below"
/* Bombs and herds grow up to that many, in a swarm to twice that. */
#define TORTURE_PIDS 96

/*
 * struct kind - a kind of victim
 * @name: for people
 * @body: runs in the victim; when it returns the victim sleeps
 * @traits: KIND_*
 */
struct kind {
	const char *name;
	void (*body)(uint64_t *rng);
	unsigned int traits;
};

/* It may end by itself, so its wait status says nothing. */
#define KIND_ENDS (1U << 0)
/* Who has the same memory may live on, and with them the memory. */
#define KIND_SHARES (1U << 1)

/*
 * struct prey - a victim of this round
 * @mutex: robust, of the process; in memory that the test program shares
 * @locked: the victim has taken it
 * @stock: process_mrelease(2) was used on it, which loses robust mutexes
 * @ready: the victim is what it wants to be; in shared memory
 */
struct prey {
	pid_t pid;
	int pidfd;
	const struct kind *kind;
	pthread_mutex_t mutex;
	int locked;
	int stock;
	int ready;
};

/*
 * struct world - what all share, in shared memory
 * @dev: the device
 * @file: path of the file whose contents never change
 * @swap: there is swap
 * @slow: a kernel on which everything takes many times as long
 * @huge: huge pages were to be had
 * @nodes: there are two nodes of memory
 * @swarm: of a hundred rounds so many have a swarm of victims
 * @preys: victims of this round
 * @kills: signals of the module
 */
struct world {
	int dev;
	char file[64];
	char dir[32];
	bool swap;
	bool slow;
	bool huge;
	bool nodes;
	unsigned int swarm;
	struct prey prey[TORTURE_SWARM];
	unsigned int preys;
	unsigned int kills;
};

extern struct world *world;

uint64_t pick(uint64_t *rng, uint64_t below);

/* Victims: tables in files of their own. */
extern const struct kind torture_tasks[], torture_memory[], torture_files[];
extern const unsigned int torture_nr_tasks, torture_nr_memory, torture_nr_files;
extern const struct kind torture_small[];
extern const unsigned int torture_nr_small;

const struct kind *torture_kind(uint64_t *rng);
void torture_start(struct prey *prey, const struct kind *kind, uint64_t seed);
/* A virtual machine, if there is /dev/kvm. */
void torture_vm_body(uint64_t *rng);
/* In the victim: it is complete. */
void torture_ready(void);
/* The prey that this process is. */
extern struct prey *torture_me;
/* In the child of execve(2): does not return if that is what this is. */
void torture_exec_main(int argc, char **argv);
/* For ever, as the body of a thread too. */
void *torture_sleep(void *arg);
/* In the victim: take the mutex of this process. */
void torture_lock(void);
/* Memory of the victim. */
char *torture_map(size_t bytes, int flags, int fd);
/*
 * In the test program: a thread whose stack is not in use, of the callers', then the
 * disturbances'.  They are not mapped for it, or each victim's fork(2) would copy them.
 */
void torture_spawn(pthread_t *thread, unsigned int stack, void *(*fn)(void *),
		   void *arg);
/* In a victim: a thread with a small stack; false if there is none to be had. */
bool torture_thread(void *(*fn)(void *), void *arg);

/* Callers: all of a round, with so many calls each. */
bool torture_calls(uint64_t *rng, unsigned int each);
/* Then who is left is killed by the module, too, and has time to die. */
bool torture_sweep(void);
void torture_calls_note(void);

/* Disturbances: begin some; end all, and undo what they did. */
void torture_disturb_setup(void);
/* How many tasks the victims may be. */
void torture_room(unsigned int processes);
void torture_disturb_begin(uint64_t *rng);
void torture_disturb_end(void);
void torture_disturb_note(void);

/* Invariants. */
void torture_check_setup(void);
/* Kill what is left, wait for it; false when something would not die. */
bool torture_bury(void);
/* After each round. */
bool torture_check_round(void);
/* Says what does not. */
bool torture_hold(bool ok, const char *what);
/* Objects and free memory, against the @first time. */
bool torture_weigh(bool first);
/* The same for people to look at: is it flat? */
void torture_weigh_note(unsigned long seconds);
/* Every now and then: those that take time. */
bool torture_check_deep(bool first);
void torture_check_end(void);

#endif /* _TORTURE_H */
