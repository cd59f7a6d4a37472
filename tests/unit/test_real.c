// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The back ends that need no module, against the kernel this runs on and real
 * processes; and the small functions between the library and the kernel.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/nsfs.h>

#include "../../userspace/lib/sys.h"
#include "capture.h"

#define MIB (1024 * 1024ULL)
#define VICTIM_SIZE (32 * MIB)

static struct mrelease *h;
static struct mrelease_result res;
static enum mrelease_backend backend;
static int fds;

static void setup_backend(enum mrelease_backend which)
{
	backend = which;
	fds = unit_count_fds();
	h = mrelease_open(backend);
	if (!h)
		ck_assert(errno == ENOSYS || errno == EPERM);
}

static void setup_syscall(void)
{
	setup_backend(MRELEASE_BACKEND_SYSCALL);
}

static void setup_signal(void)
{
	setup_backend(MRELEASE_BACKEND_SIGNAL);
}

static void teardown(void)
{
	mrelease_close(h);
	ck_assert_int_eq(unit_count_fds(), fds);
}

/* Skips the test, then. */
static bool backend_missing(const char *test)
{
	if (!h)
		unit_skip(test, "this kernel has no such call");
	return !h;
}

/* A child that holds memory and waits. */
static pid_t victim_start(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		char *mem = mmap(NULL, VICTIM_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(mem, 0x5a, VICTIM_SIZE);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void assert_killed(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

START_TEST(a_real_process_is_killed_by_pid)
{
	pid_t pid;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	ck_assert_int_eq(mrelease_kill(h, pid, 0, 0, &res), 0);
	assert_killed(pid);
	ck_assert_uint_eq(res.victims, 1);
	ck_assert_uint_eq(res.notes, MRELEASE_NOTE_ESTIMATED);
	ck_assert_uint_ge(res.anon_bytes, VICTIM_SIZE);
	ck_assert_uint_eq(res.freed_bytes, res.anon_bytes);
	ck_assert_uint_gt(res.elapsed_ns, 0);
}
END_TEST

START_TEST(a_real_process_is_killed_by_pidfd)
{
	pid_t pid;
	int pidfd;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	pidfd = mr_sys_pidfd_open(pid);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(mrelease_release(h, pidfd, MRELEASE_KILL, 5000, &res),
			 0);
	assert_killed(pid);

	/* Waited for: there is no such process any more. */
	assert_errno(mrelease_release(h, pidfd, MRELEASE_KILL, 0, &res), ESRCH);
	close(pidfd);
}
END_TEST

START_TEST(a_real_zombie_is_esrch)
{
	pid_t pid;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	ck_assert_int_eq(mrelease_kill(h, pid, 0, 0, NULL), 0);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	assert_errno(mrelease_kill(h, pid, 0, 0, &res), ESRCH);
	ck_assert_uint_eq(res.victims, 0);
	assert_killed(pid);
}
END_TEST

START_TEST(real_bad_descriptors_are_ebadf)
{
	char path[64];
	int fd;

	if (backend_missing(__func__))
		return;
	assert_errno(mrelease_release(h, -1, MRELEASE_KILL, 0, NULL), EBADF);
	assert_errno(mrelease_release(h, 12345, MRELEASE_KILL, 0, NULL), EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_errno(mrelease_release(h, fd, MRELEASE_KILL, 0, NULL), EBADF);
	close(fd);

	/* A signal could be sent through this one. */
	snprintf(path, sizeof(path), "/proc/%d", getppid());
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	assert_errno(mrelease_release(h, fd, MRELEASE_KILL, 0, NULL), EBADF);
	close(fd);
}
END_TEST

START_TEST(a_real_self_and_init_are_refused)
{
	int fd;

	if (backend_missing(__func__))
		return;
	fd = mr_sys_pidfd_open(getpid());
	assert_errno(mrelease_release(h, fd, MRELEASE_KILL, 0, NULL), EINVAL);
	close(fd);
	assert_errno(mrelease_kill(h, 1, 0, 0, NULL), EPERM);
}
END_TEST

START_TEST(a_live_process_is_not_reaped)
{
	pid_t pid;
	int pidfd;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	pidfd = mr_sys_pidfd_open(pid);
	assert_errno(mrelease_release(h, pidfd, 0, 0, &res),
		     backend == MRELEASE_BACKEND_SYSCALL ? EINVAL : EOPNOTSUPP);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_killed(pid);
	close(pidfd);
}
END_TEST

/* Stopped in a ptrace stop it would not die of SIGKILL; in a signal stop it does. */
START_TEST(a_stopped_process_is_killed)
{
	pid_t pid;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	kill(pid, SIGSTOP);
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	ck_assert_int_eq(mrelease_kill(h, pid, 0, 0, &res), 0);
	assert_killed(pid);
}
END_TEST

static int sharer(void *data)
{
	(void)data;

	/* Not pause(): a sanitizer wants more of a thread than we have here. */
	for (;;)
		syscall(__NR_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

START_TEST(a_real_sharer_is_found)
{
	static char stack[65536] __attribute__((aligned(64)));
	int ready[2];
	pid_t other;
	pid_t pid;

	if (backend_missing(__func__))
		return;
	if (backend != MRELEASE_BACKEND_SYSCALL)
		return;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		other = clone(sharer, stack + sizeof(stack), CLONE_VM | SIGCHLD,
			      NULL);
		if (write(ready[1], &other, sizeof(other)) != sizeof(other))
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &other, sizeof(other)), sizeof(other));
	ck_assert_int_gt(other, 0);

	/* A victim that was faster took the knowledge with it: see mrelease.h. */
	if (mrelease_kill(h, pid, 0, 0, &res)) {
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_SHARED);
	}
	ck_assert_uint_eq(res.victims, 1);
	ck_assert_int_eq(kill(other, 0), 0);
	kill(other, SIGKILL);
	assert_killed(pid);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

#define NR_THREADS 4

static void *kill_in_thread(void *data)
{
	pid_t pid = *(pid_t *)data;

	return mrelease_kill(h, pid, 0, 0, NULL) ? (void *)1L : NULL;
}

START_TEST(threads_kill_real_processes)
{
	pthread_t threads[NR_THREADS];
	pid_t pids[NR_THREADS];
	void *bad;
	int i;

	if (backend_missing(__func__))
		return;
	for (i = 0; i < NR_THREADS; i++)
		pids[i] = victim_start();
	for (i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, kill_in_thread, &pids[i]);
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &bad);
		ck_assert_ptr_null(bad);
		assert_killed(pids[i]);
	}
}
END_TEST

START_TEST(the_tool_kills_a_real_process)
{
	static struct captured c;
	char number[16];
	pid_t pid;

	if (backend_missing(__func__))
		return;
	pid = victim_start();
	snprintf(number, sizeof(number), "%d", pid);
	run_tool(&c, "kill", "--backend", mrelease_backend_name(backend),
		 number);
	assert_killed(pid);
	ck_assert_str_eq(c.err, "");
	ck_assert_int_eq(c.status, EXIT_DONE);
	assert_contains(c.out, number);
	assert_contains(c.out, " test_real ");
	assert_contains(c.out, " ~");

	run_tool(&c, "kill", "--backend", mrelease_backend_name(backend),
		 number);
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "no such process");
}
END_TEST

START_TEST(a_positive_ioctl_result_is_ebade)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, NS_GET_NSTYPE) <= 0)
		unit_skip(__func__, "no ioctl with a positive result");
	else
		assert_errno(mr_sys_ioctl(fd, NS_GET_NSTYPE, NULL), EBADE);
	close(fd);
}
END_TEST

static void nothing(int sig)
{
	(void)sig;
}

START_TEST(waiting_goes_on_after_a_signal)
{
	struct sigaction act = { .sa_handler = nothing };
	uint64_t start = mr_sys_now();
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	sigaction(SIGALRM, &act, NULL);
	ualarm(5000, 5000);
	ck_assert_int_eq(mr_sys_poll(ends[0], 60), 0);
	ualarm(0, 0);
	ck_assert_uint_ge(mr_sys_now() - start, 60000000);

	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(mr_sys_poll(ends[0], UINT32_MAX), 1);
	close(ends[0]);
	close(ends[1]);
	assert_errno(mr_sys_poll(ends[0], 0), EBADF);
}
END_TEST

START_TEST(a_file_is_not_opened_without_close_on_exec)
{
	int fd = mr_sys_open("/dev/null", O_RDONLY);

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}
END_TEST

static void add_common(struct TCase *tc)
{
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_real_process_is_killed_by_pid);
	tcase_add_test(tc, a_real_process_is_killed_by_pidfd);
	tcase_add_test(tc, a_real_zombie_is_esrch);
	tcase_add_test(tc, real_bad_descriptors_are_ebadf);
	tcase_add_test(tc, a_real_self_and_init_are_refused);
	tcase_add_test(tc, a_live_process_is_not_reaped);
	tcase_add_test(tc, a_stopped_process_is_killed);
	tcase_add_test(tc, threads_kill_real_processes);
	tcase_add_test(tc, the_tool_kills_a_real_process);
}

int main(void)
{
	Suite *suite = suite_create("real");
	TCase *tc = tcase_create("syscall");

	tcase_add_checked_fixture(tc, setup_syscall, teardown);
	add_common(tc);
	tcase_add_test(tc, a_real_sharer_is_found);
	suite_add_tcase(suite, tc);

	tc = tcase_create("signal");
	tcase_add_checked_fixture(tc, setup_signal, teardown);
	add_common(tc);
	suite_add_tcase(suite, tc);

	tc = tcase_create("sys");
	tcase_add_test(tc, a_positive_ioctl_result_is_ebade);
	tcase_add_test(tc, waiting_goes_on_after_a_signal);
	tcase_add_test(tc, a_file_is_not_opened_without_close_on_exec);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
