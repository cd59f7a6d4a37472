# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What a guest of `run` starts with: three cpio archives one behind the other (the base, the kernel's
# modules, and what is of this run only), and the images of its disks.

# A foreign program's libraries and its loader, from beside their compiler; the loader finds them in
# /lib, where it is itself.
guest_copy_foreign() {
	local lib

	foreign "$k_arch" # f_*
	for lib in $(readelf -dlW "$1" 2>/dev/null |
		sed -nE 's,.*(NEEDED.*\[|interpreter: .*/)([^]/]+)\]$,\2,p'); do
		if [ ! -e "$own/lib/$lib" ]; then
			mkdir -p "$own/lib"
			cp -L "$("$qemu_dir/root" "$foreign_root" "$k_arch")/usr/${f_compiler%-gcc}/lib/$lib" "$own/lib/$lib"
			guest_copy_foreign "$own/lib/$lib"
		fi
	done
}

# Copy a program with the shared libraries that it wants, each to its own path.
guest_copy() {
	local from=$1 to=$2 lib

	mkdir -p "$(dirname "$to")"
	cp -aL "$from" "$to"
	[ -f "$from" ] || return 0
	if [ "$k_arch" != "$host_arch" ]; then
		guest_copy_foreign "$from"
		return
	fi
	# ldd fails for all that is no dynamic program, and a script is none.
	for lib in $(ldd "$from" 2>/dev/null | sed -nE 's,^.*[[:space:]](/[^ ]+) \(0x.*,\1,p'); do
		if [ ! -e "$own$lib" ]; then
			mkdir -p "$(dirname "$own$lib")"
			cp -L "$lib" "$own$lib"
		fi
	done
}

# The tool, if there is one to build yet.
tool_path() {
	local out=$top/build

	[ "$k_arch" = "$host_arch" ] || out=$(build_dir "$k_arch")
	if [ -n "${MRELEASE_TOOL:-}" ]; then
		echo "$MRELEASE_TOOL"
		return
	fi
	if [ -e "$top/userspace/Makefile" ]; then
		(
			mkdir -p "$top/build"
			flock 9
			"$qemu_dir/with-cc" "$k_arch" make -s -C "$top/userspace" tool >"$work/tool.log" 2>&1 || note "building the tool failed: $(tail -n 3 "$work/tool.log")"
		) 9>"$top/build/.tool.lock"
	fi
	[ ! -e "$out/mrelease-static" ] || echo "$out/mrelease-static"
}

# One disk: its image, and the lines of the guest's configuration for it.
disk_make() {
	local type size from image=$work/disk$disk_count dev where

	IFS=: read -r type size from <<<"$1"
	size=${size:-512}
	case $size in *[!0-9]* | '') die "--disk $1: the size is a number of MiB" ;; esac
	# shellcheck disable=SC2016 # the letters of the guest's devices
	dev=/dev/vd$(printf '%b' "\\x$(printf '%x' $((97 + disk_count)))")
	case $type in
	ext4 | xfs | btrfs | tmpfs)
		mount_count=$((mount_count + 1))
		where=/mnt$([ "$mount_count" = 1 ] || echo "$mount_count")
		;;
	swap | raw) ;;
	*) die "--disk $1: not ext4, xfs, btrfs, tmpfs, swap or raw" ;;
	esac
	if [ "$type" = tmpfs ]; then
		echo "mount tmpfs tmpfs $where size=${size}m" >>"$config"
		return
	fi

	truncate -s "${size}M" "$image"
	case $type in
	# Nothing left to initialise in the background while a test measures.
	ext4) mkfs.ext4 -q ${from:+-d "$from"} -E lazy_itable_init=0,lazy_journal_init=0 "$image" ;;
	xfs) mkfs.xfs -q "$image" ;;
	btrfs) mkfs.btrfs -q "$image" ;;
	swap) mkswap "$image" ;;
	raw) ;;
	esac >"$work/mkfs.log" 2>&1 || die "making a $type of $size MiB failed: $(cat "$work/mkfs.log")"
	disk_count=$((disk_count + 1))
	case $type in
	swap) echo "swapon $dev" >>"$config" ;;
	raw) ;;
	*)
		[ -z "$kernel_modules" ] || echo "modprobe $type" >>"$config"
		echo "mount $dev $type $where -" >>"$config"
		;;
	esac
}

# initramfs_make OUT COMMAND...
initramfs_make() {
	local out=$1 base file tool disk
	own=$work/own
	config=$own/etc/guest/config
	disk_count=0 mount_count=0

	shift
	mkdir -p "$own/etc/guest" "$own/add" "$own/bin"
	printf '%s\0' "$@" >"$own/etc/guest/argv"
	: >"$config"
	if [ -n "$kernel_modules" ]; then
		echo "modprobe virtio_pci virtio_blk" >>"$config"
	else
		# Or modprobe complains that there is no such directory, instead of finding nothing.
		mkdir -p "$own/lib/modules/$kernel_release"
		: >"$own/lib/modules/$kernel_release/modules.dep"
	fi
	for disk in "${disks[@]}"; do
		disk_make "$disk"
	done
	if [ -n "$ko" ]; then
		mkdir -p "$own/lib"
		cp "$ko" "$own/lib/mrelease.ko"
		# tests/cover: what is told which parts of it run.
		if [ -n "${MRELEASE_COVER:-}" ]; then
			cp "$MRELEASE_COVER" "$own/lib/mr_cover.ko"
			echo "insmod /lib/mr_cover.ko " >>"$config"
		fi
		echo "insmod /lib/mrelease.ko $k_params $params" >>"$config"
	fi
	for file in "${add[@]}"; do
		[ -r "$file" ] || die "--add $file: cannot read it"
		guest_copy "$file" "$own/add/$(basename "$file")"
	done
	tool=$(tool_path)
	[ -z "$tool" ] || guest_copy "$tool" "$own/bin/mrelease"

	base=$("$qemu_dir/guest-base" "$k_arch") || exit 125
	(cd "$own" && find . | LC_ALL=C sort | cpio --quiet -R 0:0 -o -H newc) >"$work/own.cpio"
	cat "$base" ${kernel_modules:+"$kernel_modules"} "$work/own.cpio" >"$out"
}
