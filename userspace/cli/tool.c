// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli.h"

/* Output that did not arrive is a failure, whatever was done before. */
static int flush_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("standard output: %s; what was asked for has been done",
		 strerror(errno));
	return status == EXIT_DONE ? EXIT_FAILED : status;
}

int tool_main(int argc, char **argv)
{
	struct options opts;
	int status;

	/* A reader that goes away must not stop us half way. */
	signal(SIGPIPE, SIG_IGN);

	status = options_parse(argc, argv, &opts);
	if (status < 0) {
		if (opts.command == COMMAND_INFO)
			status = command_info(&opts);
		else if (opts.command == COMMAND_CGROUP)
			status = command_cgroup(&opts);
		else if (opts.command == COMMAND_BENCH)
			status = command_bench(&opts);
		else
			status = command_release(&opts);
	}

	options_free(&opts);
	return flush_output(status);
}
