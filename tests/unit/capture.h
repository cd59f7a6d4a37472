/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run the tool inside of this process and keep what it prints. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <fcntl.h>

#include "../../userspace/cli/cli.h"
#include "unit.h"

struct captured {
	int status;
	char out[16384];
	char err[8192];
};

static inline void capture_read(FILE *file, char *buf, size_t size)
{
	size_t len;

	rewind(file);
	len = fread(buf, 1, size - 1, file);
	buf[len] = '\0';
	fclose(file);
}

/* NULL ends the arguments; the name of the program is not among them. */
static inline void capture(struct captured *c, const char *const *args)
{
	FILE *out = tmpfile();
	FILE *err = tmpfile();
	int saved_out = dup(STDOUT_FILENO);
	int saved_err = dup(STDERR_FILENO);
	char *argv[32];
	int argc = 1;

	ck_assert(out && err && saved_out >= 0 && saved_err >= 0);
	argv[0] = (char *)"mrelease";
	while (*args)
		argv[argc++] = strdup(*args++);
	argv[argc] = NULL;

	fflush(stdout);
	fflush(stderr);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	c->status = tool_main(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);

	capture_read(out, c->out, sizeof(c->out));
	capture_read(err, c->err, sizeof(c->err));

	/* getopt_long() permutes argv, not what it points to. */
	while (argc > 1)
		free(argv[--argc]);
}

#define run_tool(c, ...) capture(c, (const char *const[]){ __VA_ARGS__, NULL })

static inline void assert_contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in \"%s\"", part, text);
}

#endif /* CAPTURE_H */
