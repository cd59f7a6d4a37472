# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The virtual machine of `run`: QEMU's command line, and what its end means.

# Which QEMU, with what, for the architecture of the kernel.
machine_qemu() {
	local words

	words=$("$qemu_dir/emulator" "$k_arch") || exit 125
	mapfile -t qemu <<<"$words"
	case $k_arch in
	amd64) machine_options=() console_name=ttyS0 ;;
	arm64) machine_options=(-machine "virt,gic-version=3${nested:+,virtualization=on}") console_name=ttyAMA0 ;;
	*) die "no machine for $k_arch" ;;
	esac
}

# The four serial ports: console, verdict, the command's stdout, its stderr. On arm64 there is one for
# the console, and a PCI card with the others.
machine_ports() {
	local port

	for port in console verdict out err; do
		machine+=(-chardev "file,id=$port,path=$work/$port")
		[ "$k_arch" != amd64 ] || machine+=(-device "isa-serial,chardev=$port")
	done
	if [ "$k_arch" = arm64 ]; then
		machine+=(-serial chardev:console -chardev "null,id=nothing")
		machine+=(-device "pci-serial-4x,chardev1=verdict,chardev2=out,chardev3=err,chardev4=nothing")
	fi
}

# No KVM unless asked for, and then only after it has booted this kernel to the end once: a /dev/kvm
# that exists may still stop in early boot, and QEMU then waits for ever.
machine_accel() {
	if [ -n "$icount" ]; then
		smp=1
		# Who asks the monitor wants the guest to be idle for as long as it says.
		local idle=${MRELEASE_MONITOR:+on}

		machine+=(-accel "tcg,thread=single" -icount "shift=0,sleep=${idle:-off}" -cpu "$k_cpu")
		return
	fi
	case ${ACCEL:-tcg} in
	kvm)
		if ACCEL=kvm-probe timeout 60 "$qemu_dir/run" --kernel "$kernel" --no-module --timeout 30 -- true >/dev/null 2>&1; then
			machine+=(-accel kvm -cpu host)
			return
		fi
		note "KVM does not boot this kernel here: emulating"
		;;
	kvm-probe)
		k_boot=20
		machine+=(-accel kvm -cpu host)
		return
		;;
	tcg) ;;
	*) die "ACCEL=$ACCEL: neither tcg nor kvm" ;;
	esac
	machine+=(-accel "tcg,thread=multi" -cpu "$k_cpu")
}

# A timeout is no reason to be impatient with the guest: emulated, it can stand still for seconds
# when the host is busy, which its watchdogs take for lock-ups. Each kind of object has a slab cache of
# its own, so that they can be counted.
machine_cmdline() {
	local words=(
		"console=$console_name,115200" panic=-1 oops=panic
		watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=60
		log_buf_len=4M random.trust_cpu=on slab_nomerge
	)

	[ "$k_arch" != amd64 ] || words+=(no_timer_check)
	echo "${words[*]} $k_append $append"
}

machine_nodes() {
	local i cpus=$((smp / numa))

	[ "$numa" -gt 1 ] || return 0
	[ $((smp % numa + mem % numa)) = 0 ] || die "--numa $numa: does not divide the CPUs and the memory"
	for ((i = 0; i < numa; i++)); do
		machine+=(-object "memory-backend-ram,id=node$i,size=$((mem / numa))M")
		machine+=(-numa "node,nodeid=$i,memdev=node$i,cpus=$((i * cpus))-$(((i + 1) * cpus - 1))")
	done
}

machine_args() {
	local disk

	machine=("${qemu[@]}" "${machine_options[@]}" -nodefaults -no-user-config -display none -no-reboot -monitor "${MRELEASE_MONITOR:-none}")
	machine_accel
	machine+=(-smp "$smp" -m "$mem" -kernel "$kernel_vmlinuz" -initrd "$work/initrd" -append "$(machine_cmdline)")
	machine_nodes
	machine_ports
	for disk in "$work"/disk*; do
		[ -e "$disk" ] || continue
		machine+=(-drive "if=none,id=${disk##*/},file=$disk,format=raw,cache=unsafe,discard=unmap")
		machine+=(-device "virtio-blk-pci,drive=${disk##*/}")
	done
}

# Machines that share CPUs only wait for each other, and their spin locks burn what the others need:
# each waits for its turn before it starts, so that its time limit is its own.
machine_slot() {
	local slots=${MRELEASE_VMS:-$(($(nproc) / 2))} i

	[ "${ACCEL:-}" != kvm-probe ] || return 0
	[ "$slots" -ge 1 ] || slots=1
	mkdir -p "$cache"
	# First come, first served: only the head of the queue looks for a place. The waiting is done in
	# the background since a shell that waits for a foreground program hears no signal.
	exec 5>"$cache/.vm-queue.lock"
	flock 5 &
	wait $!
	while :; do
		for ((i = 0; i < slots; i++)); do
			exec 6>"$cache/.vm-$i.lock"
			if flock -n 6; then
				exec 5>&-
				return
			fi
		done
		sleep 0.2
	done
}

# In the background: end a machine that has not come to our init in time.
machine_watch() {
	local end=$((SECONDS + k_boot))

	while ! machine_begun && kill -0 "$1"; do
		if [ "$SECONDS" -ge "$end" ]; then
			kill -TERM "$1"
			break
		fi
		sleep 1
	done
}

machine_begun() {
	grep -q '^init$' "$work/verdict" 2>/dev/null
}

# Did the kernel end, or hang, before it came to our init? Then nothing of ours has run. Emulated CPUs
# now and then trip over the kernel patching its own text during boot (an "Oops: int3"), or over a timer.
machine_stillborn() {
	[ "$machine_status" != 124 ] && [ "$machine_status" != 137 ] && ! machine_begun
}

# Why there is no verdict, with what the console said last, and our status for it.
machine_died() {
	note_always "$2"
	if [ -s "$work/qemu.log" ]; then
		sed 's/^/qemu: /' "$work/qemu.log" >&2
	fi
	if [ -s "$work/console" ]; then
		echo "--- the console's last lines ---" >&2
		tr -d '\r' <"$work/console" | tail -n 40 >&2
		echo "---" >&2
	fi
	exit "$1"
}

note_always() {
	printf 'run: %s\n' "$*" >&2
}

# Exit as the command did, if the guest's init told how. A panic after its word counts all the same:
# the machine was to power off in good order.
machine_verdict() {
	local what='' started='' line

	while read -r line; do
		case $line in
		up) started=yes ;;
		'exit '* | 'signal '* | 'setup-failed: '*) what=$line ;;
		esac
	done <"$work/verdict"

	if grep -aq 'Kernel panic - not syncing' "$work/console"; then
		machine_died 125 "panic: $(grep -a 'Kernel panic - not syncing' "$work/console" | tail -n 1 | tr -d '\r' | sed 's,^\[[ 0-9.]*\] ,,')"
	fi
	case $what in
	'setup-failed: '*) machine_died 125 "setup: ${what#*: }" ;;
	esac
	# timeout(1): 124 stopped by TERM, 137 by KILL.
	case $machine_status in
	124 | 137)
		if [ -n "$started" ]; then
			machine_died 124 "timeout: the command was still running after $timeout s${what:+ (or power-off hung: $what)}"
		fi
		machine_died 124 "timeout: the machine did not come up in $k_boot s"
		;;
	esac
	case $what in
	'exit '*) exit "${what#exit }" ;;
	'signal '*) exit $((128 + ${what#signal })) ;;
	esac
	machine_died 125 "no verdict: QEMU ended (status $machine_status) before the command did"
}
