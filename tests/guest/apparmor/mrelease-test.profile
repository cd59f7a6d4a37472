# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two callers for t_lsm, both allowed everything but what is said of signals. The first may look
# whether a process is there (signal 0) and may not kill it; the second may do both. No #include, so
# that nothing of the build machine's own policy comes in.

abi <abi/3.0>,

profile mrelease_test_probe flags=(attach_disconnected) {
	file,
	capability,
	unix,
	ptrace,
	change_profile,
	signal (receive),
	signal (send) set=(exists),
}

profile mrelease_test_kill flags=(attach_disconnected) {
	file,
	capability,
	unix,
	ptrace,
	change_profile,
	signal (receive),
	signal (send) set=(exists kill),
}
