# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# What the scripts of this directory share: where things are and what a line of KERNELS says.
# Sourced after `set -eu`.

qemu_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$qemu_dir/../.." && pwd)
cache=${MRELEASE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mrelease}
anchors=${MRELEASE_ANCHORS:-$top/../shared/anchors}

# Leave with the status of a failed harness, never with one that a test could have.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 125
}

# A command that failed where none may: without this, `set -e` leaves without a word.
set -E
trap 'printf "%s: line %s: failed: %s\n" "${0##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR

note() {
	[ -n "${MRELEASE_QUIET:-}" ] || printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# The architecture of this machine, and the release whose compilers make what is not for it.
host_arch=$(dpkg --print-architecture)
foreign_root=bookworm+bookworm-updates+bookworm-security

# What Debian calls the compilers for a foreign architecture and for its 32-bit programs.
foreign() {
	case $1 in
	arm64) f_compiler=aarch64-linux-gnu-gcc f_arch32=armhf f_compiler32=arm-linux-gnueabihf-gcc ;;
	*) die "no compiler for $1 is known" ;;
	esac
}

# Where what is made for an architecture goes, as an absolute path.
build_dir() {
	local dir=${MRELEASE_BUILD:-$top/build}

	[ "$1" = "$host_arch" ] || dir+=/$1
	realpath -m "$dir"
}

# The line of KERNELS with this name, in $k_source and one variable k_KEY for each key.
kernel_line() {
	local name=$1 line word

	line=$(awk -v n="$name" '$1 == n { print; exit }' "$qemu_dir/KERNELS")
	[ -n "$line" ] || die "no kernel '$name' in $qemu_dir/KERNELS (known: $(kernel_names all | tr '\n' ' '))"

	k_line=$line k_name=$name
	k_source='' k_suites='' k_release='' k_arch=amd64 k_image='' k_headers='' k_root='' k_cpu='' k_boot=120 k_params='' k_rounds='' k_brief='' k_append='' k_package='' k_config=''
	case $line in
	*append=*)
		k_append=${line#*append=}
		line=${line%%append=*}
		;;
	esac
	for word in $line; do
		case $word in
		"$name") ;;
		apt | prebuilt | source) k_source=$word ;;
		suites=* | release=* | root=* | check=* | arch=* | image=* | headers=* | cpu=* | boot=* | params=* | rounds=* | brief=* | package=* | config=*)
			printf -v "k_${word%%=*}" '%s' "${word#*=}"
			;;
		*) die "KERNELS: '$name': unknown word '$word'" ;;
		esac
	done
	if [ -z "$k_cpu" ]; then
		k_cpu=max
		# The algorithm that the architecture names for signed pointers takes most of the time, emulated.
		[ "$k_arch" != arm64 ] || k_cpu+=,pauth-impdef=on
	fi
	case $k_source in
	apt) [ "${k_suites:+s}${k_release:+r}" = sr ] || die "KERNELS: '$name' needs suites= and release=" ;;
	prebuilt) [ "${k_image:+i}${k_headers:+h}" = ih ] || die "KERNELS: '$name' needs image= and headers=" ;;
	source) [ "${k_suites:+s}${k_package:+p}${k_config:+c}" = spc ] || die "KERNELS: '$name' needs suites=, package= and config=" ;;
	*) die "KERNELS: '$name': neither apt, prebuilt nor source" ;;
	esac
}

# Names of the kernels, one a line; by default those that `make check` runs on; "apt": `make check-all`;
# "all": also those that are not Debian's.
kernel_names() {
	awk -v which="${1:-}" '/^[^#]/ && NF &&
		(which == "all" || $2 == "apt" && (which == "apt" || !/ check=no( |$)/)) { print $1 }' "$qemu_dir/KERNELS"
}

# Fetch the kernel if need be and take its facts: kernel_release, kernel_vmlinuz, kernel_modules (a
# cpio, or empty), kernel_kdir.
kernel_load() {
	local facts

	kernel_line "$1"
	case $k_source in
	source) facts=$("$qemu_dir/source-kernel" "$1") || exit 125 ;;
	*) facts=$("$qemu_dir/fetch" "$1") || exit 125 ;;
	esac
	eval "$facts"
}
