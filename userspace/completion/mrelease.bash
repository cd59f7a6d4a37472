# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of mrelease for bash, in the place where bash-completion looks for it.

_mrelease() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local common='--backend --no-fallback --json --help --version'
	local select='--name --full --exact --oom-score'
	local release='--evict --shared --hugetlb --teardown --timeout --dry-run'
	local command='' word

	COMPREPLY=()
	case $prev in
	--backend)
		mapfile -t COMPREPLY < <(compgen -W 'auto device syscall signal' -- "$cur")
		return
		;;
	--timeout)
		mapfile -t COMPREPLY < <(compgen -W '500ms 1s 2s 5s 10s' -- "$cur")
		return
		;;
	--size)
		mapfile -t COMPREPLY < <(compgen -W '64M 256M 1G' -- "$cur")
		return
		;;
	--rounds)
		mapfile -t COMPREPLY < <(compgen -W '5 20 100' -- "$cur")
		return
		;;
	--threads)
		mapfile -t COMPREPLY < <(compgen -W '2 4 8' -- "$cur")
		return
		;;
	--name)
		mapfile -t COMPREPLY < <(compgen -W "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -xE '[A-Za-z0-9_.:-]+' | sort -u)" -- "$cur")
		return
		;;
	esac

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		kill | reap | cgroup | info | bench)
			command=$word
			break
			;;
		esac
	done
	case $command:$cur in
	:-*) mapfile -t COMPREPLY < <(compgen -W "$common" -- "$cur") ;;
	:*) mapfile -t COMPREPLY < <(compgen -W 'kill reap cgroup info bench' -- "$cur") ;;
	info:*) mapfile -t COMPREPLY < <(compgen -W "$common --openmetrics" -- "$cur") ;;
	bench:*) mapfile -t COMPREPLY < <(compgen -W '--size --rounds --timeout --json' -- "$cur") ;;
	kill:-*) mapfile -t COMPREPLY < <(compgen -W "$release --threads --kill-sharers $select $common" -- "$cur") ;;
	reap:-*) mapfile -t COMPREPLY < <(compgen -W "$release --threads $select $common" -- "$cur") ;;
	cgroup:-*) mapfile -t COMPREPLY < <(compgen -W "$release --kill-sharers $common" -- "$cur") ;;
	cgroup:*) mapfile -t COMPREPLY < <(compgen -d -- "${cur:-/sys/fs/cgroup/}") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur") ;;
	esac
}
complete -F _mrelease mrelease
