/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MRELEASE_CLI_H
#define MRELEASE_CLI_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#include <mrelease.h>

/* What the tool exits with; documented in --help. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DEVICE = 3,
};

enum command {
	COMMAND_KILL,
	COMMAND_REAP,
	COMMAND_CGROUP,
	COMMAND_INFO,
	COMMAND_BENCH,
};

#define BENCH_ROUNDS_MAX 100

struct options {
	enum command command;
	enum mrelease_backend backend;
	bool no_fallback;
	bool json;
	bool openmetrics;
	uint32_t flags;
	uint32_t timeout_ms;
	uint32_t threads; /* for each victim */
	bool dry_run;
	bool full; /* match the command line, not the name */
	bool exact; /* match all of it */
	uint64_t size; /* bench: of each victim, 0: as it likes */
	unsigned int rounds;
	bool oom_score; /* the one that the kernel would choose */
	const char *dir; /* of the cgroup */
	const char *name; /* NULL: all processes */
	regex_t regex; /* name, compiled */
	pid_t *pids; /* malloc()ed, no number twice; NULL: those that match */
	size_t nr_pids;
};

/* A handle, and why the device is not behind it (0 when it is). */
struct session {
	struct mrelease *handle;
	int device_err;
};

struct victim {
	pid_t pid;
	int pidfd;
	bool opened; /* else err is that of pidfd_open(2) */
	int err;
	const char *text; /* err in words */
	int oom_score;
	char name[64];
	struct mrelease_result res;
};

/* All of main() but the name, so that the unit tests can call it. */
int tool_main(int argc, char **argv);

/* options.c: -1 to go on, otherwise what to exit with. */
int options_parse(int argc, char **argv, struct options *opts);
void options_free(struct options *opts);

/* help.c */
void help_print(FILE *out);

/* session.c */
int session_open(struct session *s, const struct options *opts);
void session_close(struct session *s);

/* The same with a word about it when that fails: -1 to go on. */
int session_begin(struct session *s, const struct options *opts);

/* Why the device or another back end could not be opened, and the remedy. */
const char *session_strerror(int err);

/* "device", "process_mrelease(2)" … for people. */
const char *backend_title(enum mrelease_backend backend);

/* release.c, cgroup.c, info.c: what to exit with. */
int command_release(const struct options *opts);
int command_cgroup(const struct options *opts);
int command_info(const struct options *opts);

/* bench.c: what to exit with; sets what was not given. */
int command_bench(struct options *opts);

/* Flags that are not there: said once, in words.  -1 to go on. */
int check_flags(const struct options *opts, const struct session *s);

/* "kill", "reap", "cgroup" */
const char *opts_command(const struct options *opts);

/* Why a process could not be opened. */
const char *open_strerror(int err);

/* dry.c: what to exit with. */
struct selection;
int dry_run(const struct options *opts, const struct selection *sel);

/* proc.c: files below cli_root, "" but in the tests */
#define PATH_ROOM 512
extern const char *cli_root;
void root_path(char *buf, size_t size, const char *path);
ssize_t file_read(const char *path, char *buf, size_t size);

/* The name of a process, "?" when it cannot be told. */
void process_name(pid_t pid, char *name, size_t size);

/* Its arguments with blanks between them; false when it has none. */
bool process_command(pid_t pid, char *command, size_t size);

/* As the kernel's OOM killer sees it, 0 when it cannot be told. */
int process_oom_score(pid_t pid);

/* Neither a kernel thread nor a zombie. */
bool process_has_memory(pid_t pid);

/* table.c: for a terminal: what could move the cursor becomes a '?'. */
void plain_name(char *buf, size_t size, const char *name);

/* message.c: "mrelease: …" on standard error, in order with standard output. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* names.c: names of the bits that are set, for as many as fit; "+2" for more */
typedef const char *(*name_fn)(uint32_t bit);
size_t names_join(char *buf, size_t size, uint32_t bits, name_fn name);
const char *errno_name(int err);

/* "kill evict" of the MRELEASE_* flags; the commands of INFO by number. */
const char *command_name(unsigned int nr);

/* units.c: at most six characters each */
void format_bytes(char *buf, size_t size, uint64_t bytes);
void format_time(char *buf, size_t size, uint64_t ns);

#endif /* MRELEASE_CLI_H */
