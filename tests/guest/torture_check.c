// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Torture: what must hold after a round, whatever happened in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "files.h"
#include "group.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "torture.h"
#include "witness.h"

#define NAME "torture"
#define OWN_BYTES (128UL * 1024)
static struct fs fs;
static int file = -1, refs;
static struct witness witnesses[2];
static char *own;
static unsigned int killed, failed_setups, robust, lost;

void torture_check_setup(void)
{
	struct fs list[FS_MAX];
	unsigned int n = fs_list(list, FS_MAX, false), i;

	for (i = 0; i < n && strcmp(list[i].name, "ext4"); i++)
		;
	if (i == n)
		tap_bail("no ext4");
	fs = list[i];
	file_make(&fs, NAME, TORTURE_FILE_BYTES);
	snprintf(world->file, sizeof(world->file), "%s/%s", fs.dir, NAME);
	strcpy(world->dir, fs.dir);
	file = file_open(&fs, NAME, O_RDONLY);
	/* Each victim has it too, by fork(2). */
	own = mmap(NULL, OWN_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		tap_bail("mmap");
	memset(own, 'm', OWN_BYTES);
	for (i = 0; i < ARRAY_SIZE(witnesses); i++)
		witnesses[i] = witness_start(NULL, NULL);
	refs = module_refs();
}

/* A victim that has ended: did it end as it may? */
static bool judge_end(const struct prey *prey, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (prey->kind->traits & KIND_ENDS)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 95) {
		failed_setups++;
		return true;
	}
	tap_note("%s ended with wait status %#x", prey->kind->name, status);
	return false;
}

static bool reap_all(void)
{
	bool ok = true;
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		for (i = 0; i < ARRAY_SIZE(witnesses); i++) {
			if (pid != witnesses[i].v.pid)
				continue;
			tap_note("an innocent died, wait status %#x", status);
			ok = false;
		}
		for (i = 0; i < world->preys; i++) {
			if (pid != world->prey[i].pid)
				continue;
			ok &= judge_end(&world->prey[i], status);
			world->prey[i].pid = 0;
		}
	}
	return ok;
}

/*
 * An empty group does not say so: a victim may be on its way into it, and one that
 * dies is no longer counted, on some kernels, while it has memory and locks.
 */
static bool all_waited_for(void)
{
	unsigned int i;

	for (i = 0; i < world->preys && !world->prey[i].pid; i++)
		;
	return i == world->preys;
}

/* The owner is dead, so the next one is told, and gets it. */
static bool mutex_given_back(struct prey *prey)
{
	int ret;

	if (!prey->locked)
		return true;
	ret = pthread_mutex_trylock(&prey->mutex);
	if (ret == EOWNERDEAD) {
		robust++;
		return true;
	}
	/* The kernel's own call has unmapped the list: t_robust shows that alone. */
	if (ret == EBUSY && prey->stock) {
		lost++;
		return true;
	}
	tap_note("a robust mutex of the dead: %s", err_name(ret));
	return false;
}

bool torture_bury(void)
{
	uint64_t end = now_ns() + TORTURE_PATIENCE * 1000000ULL;
	bool ok = true;
	unsigned int i;

	do {
		for (i = 0; i < world->preys; i++)
			sys_pidfd_send_signal(world->prey[i].pidfd, SIGKILL);
		group_kill(TORTURE_SUBGROUP);
		group_kill(TORTURE_GROUP);
		ok &= reap_all();
		if (now_ns() > end) {
			tap_note("somebody does not die");
			return false;
		}
		usleep(500);
	} while (!all_waited_for() || !group_empty(TORTURE_GROUP));
	ok &= reap_all();
	for (i = 0; i < world->preys; i++) {
		ok &= mutex_given_back(&world->prey[i]);
		close(world->prey[i].pidfd);
	}
	return ok;
}

static bool own_intact(void)
{
	size_t i;

	for (i = 0; i < OWN_BYTES; i++)
		if (own[i] != 'm')
			return false;
	return true;
}

bool torture_hold(bool ok, const char *what)
{
	if (!ok)
		tap_note("does not hold: %s", what);
	return ok;
}

bool torture_check_round(void)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(witnesses); i++)
		ok &= torture_hold(witness_intact(&witnesses[i]),
				   "the innocents are as they were");
	ok &= torture_hold(own_intact(),
			   "memory that was shared with the victims");
	ok &= torture_hold(file_intact(file, 0, TORTURE_FILE_BYTES, 'o'),
			   "the page cache has what was in the file");
	ok &= torture_hold(module_wait(refs, 20000),
			   "nothing of the module is held");
	return ok;
}

bool torture_check_deep(bool first)
{
	bool ok;

	drop_caches();
	ok = torture_hold(file_intact(file, 0, TORTURE_FILE_BYTES, 'o'),
			  "the disk has what was in the file");
	drop_caches();
	return ok & torture_weigh(first);
}

void torture_check_end(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(witnesses); i++)
		witness_end(&witnesses[i]);
	close(file);
	file_remove(&fs, NAME);
	tap_note(
		"%u processes died of SIGKILL, the module sent it %u times; %u robust mutexes given back, %u lost by process_mrelease(2); %u victims could not be set up",
		killed, world->kills, robust, lost, failed_setups);
}
