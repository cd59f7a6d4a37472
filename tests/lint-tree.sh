# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The checks of `lint` on the tree as a whole: what has to agree with what. Sourced by tests/lint; each
# prints what it found and passes when that is nothing.

tree_checks=(spdx version conditionals length places text links kernels support symbols readme)
declare -A tree_title=(
	[spdx]='every file names its licence, and the one of its directory'
	[version]='one version, in VERSION'
	[conditionals]='what differs between kernels is known to module/compat/ only'
	[length]='no file of the module is over 400 lines'
	[places]='no path, host or address of one machine'
	[text]='only text, without blanks at the end of a line'
	[links]='what the documents refer to exists'
	[kernels]='dkms.conf, tests/qemu/KERNELS and README.md name the same kernels'
	[support]='docs/support.md has a run without failures on each kernel of make check'
	[symbols]='docs/kernels.md and mrelease info know the functions that are looked up'
	[readme]='the commands of README.md are those that tests/readme runs'
)

# The licence that a file must carry; nothing for those that carry none.
spdx_wanted() {
	case $1 in
	VERSION | LICENSES/*) ;;
	# In debian/copyright: these have no place for it.
	debian/changelog | debian/control | debian/copyright | debian/source/* | debian/tests/control) ;;
	debian/*.install | debian/*.symbols | debian/not-installed) ;;
	.clang-format) echo 'GPL-2.0' ;; # the kernel's own file, unmodified
	module/* | Kbuild | dkms.conf) echo 'GPL-2.0-only' ;;
	uapi/*) echo 'GPL-2.0-only WITH Linux-syscall-note' ;;
	include/* | userspace/lib/* | userspace/preload/*) echo 'LGPL-2.1-or-later' ;;
	*) echo 'GPL-2.0-or-later' ;;
	esac
}

check_spdx() {
	local f wanted line licence

	for f in $(files); do
		wanted=$(spdx_wanted "$f")
		[ -n "$wanted" ] || continue
		line=1
		case $(head -c 2 "$f") in '#!') line=2 ;; esac
		licence=$(sed -nE "${line}s/.*SPDX-License-Identifier: ([^*]*[^* ]) *(\*\/|-->)?\$/\1/p" "$f" | sed 's/ *-->$//')
		[ "$licence" = "$wanted" ] || echo "$f:$line: '$licence', should be '$wanted'"
	done
}

check_version() {
	local version dkms top_entry lib=$top/build/lint/lib soname node pc

	version=$(cat VERSION)
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || echo "VERSION: '$version' is not of the form 1.2.3"

	dkms=$(dkms_value PACKAGE_VERSION)
	[ "$dkms" = "$version" ] || echo "dkms.conf: PACKAGE_VERSION is '$dkms', VERSION says $version"

	top_entry=$(sed -nE 's/^## \[([^]]*)\].*/\1/p' CHANGELOG.md | head -n 1)
	[ "$top_entry" = "$version" ] || echo "CHANGELOG.md: the newest entry is '$top_entry', VERSION says $version"

	top_entry=$(sed -nE '1s/^mrelease \((.*)\) .*/\1/p' debian/changelog)
	[ "$top_entry" = "$version" ] || echo "debian/changelog: the newest entry is '$top_entry', VERSION says $version"

	if ! make -s -C userspace lib B="$lib" >"$top/build/lint.err" 2>&1; then
		echo "the library does not build: $(tail -n 3 "$top/build/lint.err")"
		return
	fi
	soname=$(readelf -d "$lib/libmrelease.so" | sed -nE 's/.*SONAME.*\[(.*)\]/\1/p')
	[ -e "$lib/$soname.$version" ] || echo "userspace: there is no $soname.$version"
	node=$(sed -nE 's/^LIBMRELEASE_([0-9]+)\.[0-9]+ \{/\1/p' userspace/lib/libmrelease.map | sort -u)
	[ "$soname" = "libmrelease.so.$node" ] || echo "userspace: soname $soname, but the symbols are LIBMRELEASE_$node"
	pc=$(sed -n 's/^Version: //p' "$lib/mrelease.pc")
	[ "$pc" = "$version" ] || echo "mrelease.pc: version '$pc', VERSION says $version"

	# Written again it would be forgotten at the next release. In a comment it is an example; the tests have
	# a module of their own.
	git grep -nF "$version" -- module uapi include userspace Kbuild Makefile dkms.conf |
		grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*|//|#)' | sed 's/$/  <- the version, written again/' || :
}

# What bash makes of a variable of dkms.conf, as dkms itself reads it.
dkms_value() {
	# shellcheck disable=SC2016 # for the other bash
	dkms_tree=/nowhere kernel_source_dir=/nowhere bash -c '. ./dkms.conf && printf "%s\n" "${!1}"' - "$1"
}

# Outside module/compat/ the only conditionals are those of include guards (a header of tracepoints is
# read several times), of code that user space compiles as well, and of how symbols are found.
check_conditionals() {
	local made used

	git grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION *\(|RHEL_RELEASE' -- module ':!module/compat' || :
	git grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)\>' -- module ':!module/compat' |
		grep -vE ':#ifndef _MR_[A-Z_]+_H$|^module/trace\.h:[0-9]+:#if !defined\(_MR_TRACE_H\) \|\| defined\(TRACE_HEADER_MULTI_READ\)$|:#ifdef __KERNEL__$|^module/symbols\.[ch]:[0-9]+:#ifn?def (CONFIG_KPROBES|MR_ZAP_EXPORTED)$' || :

	# Every probe is used, and every name that is asked for is probed.
	made=$(sed -nE 's/.*\$\(call mr-(function|member),.*,([A-Z0-9_]+)\)$/MR_HAVE_\2/p
		s/.*\$\(call mr-export,.*,([A-Z0-9_]+)\)$/MR_EXPORTED_\1/p' Kbuild | sort -u)
	used=$(git grep -ohE '\<MR_(HAVE|EXPORTED)_[A-Z0-9_]+' -- module/compat | sort -u)
	comm -23 <(echo "$made") <(echo "$used") | sed 's/.*/Kbuild: nobody asks for &/'
	comm -13 <(echo "$made") <(echo "$used") | sed 's/.*/module\/compat: Kbuild has no probe for &/'
}

check_length() {
	local f n

	for f in $(files module); do
		n=$(wc -l <"$f")
		[ "$n" -le 400 ] || echo "$f: $n lines"
	done
}

# Home directories and the like; mirrors (those of the machine's own apt are used); numbers of hosts,
# but for those that every machine has. Addresses of web pages are for documents only.
check_places() {
	git grep -nE '(^|[^A-Za-z0-9_.$}])/(home|root|work|Users|builds|scratch)/[A-Za-z0-9]' -- ':!LICENSES' || :
	git grep -nE '\<(deb|ftp|http|security|snapshot|archive|mirrors?)\.([a-z0-9-]+\.)*(debian|ubuntu|kernel)\.(org|com)' -- ':!LICENSES' || :
	git grep -nE '(https?|ftp|ssh|git)://[a-z0-9]' -- ':!LICENSES' ':!*.md' ':!.clang-format' ':!debian/copyright' |
		grep -v 'xmlns[:a-z]*="http:/' || :
	git grep -nE '\<[0-9]{1,3}(\.[0-9]{1,3}){3}\>' -- ':!LICENSES' | grep -vE '\<(127\.0\.0\.1|0\.0\.0\.0)\>' || :
}

check_text() {
	local f

	for f in $(files); do
		if [ -s "$f" ] && ! LC_ALL=C.UTF-8 grep -Iq . "$f"; then
			echo "$f: binary"
		elif [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then
			echo "$f: no newline at the end"
		fi
	done
	git grep -nIE '[[:space:]]+$' -- ':!LICENSES' || :
}

# Links between the documents and to files, and names of files in backticks (the changelog may name
# what is gone).
check_links() {
	local f target

	# shellcheck disable=SC2016 # backticks of Markdown
	for f in $(files '*.md'); do
		grep -oE '\]\([^)# ]+' "$f" | sed 's/^](//' | grep -vE '^[a-z]+:' | while read -r target; do
			[ -e "$(dirname "$f")/$target" ] || echo "$f: link to $target, which does not exist"
		done
		[ "$f" != CHANGELOG.md ] || continue
		grep -oE '`(module|uapi|include|userspace|tests|docs|LICENSES)/[^` ]*' "$f" | tr -d '`' | sort -u |
			while read -r target; do
				compgen -G "$target" >/dev/null || echo "$f: names $target, which does not exist"
			done
	done
}

check_kernels() {
	local regex readme k v

	regex=$(dkms_value BUILD_EXCLUSIVE_KERNEL)
	readme=$(sed -nE 's/^\| ([0-9]+\.[0-9]+) \|.*/\1/p' README.md | sort -uV)
	# 6.1-rt is a 6.1.
	tested=$(kernel_names | sed 's/-.*//' | sort -uV)
	diff <(echo "$readme") <(echo "$tested") |
		sed -n 's/^</README.md has a row, but tests\/qemu\/KERNELS no kernel, for/p; s/^>/README.md has no row for/p'
	for v in 4.19 5.{0..19} 6.{0..30} 7.{0..19}; do
		for k in "$v.0-1-amd64" "$v.7+deb12-amd64" "$v.1"; do
			if grep -qxF "$v" <<<"$tested"; then
				[[ $k =~ $regex ]] || echo "dkms.conf: $regex refuses $k, which is tested"
			else
				[[ ! $k =~ $regex ]] || echo "dkms.conf: $regex takes $k, which is not tested"
			fi
		done
	done
}

# Its first table: name, release, architecture, built, loaded, passed, failed, skipped, seconds. Kernels that
# `make check` leaves out may not have been run yet.
check_support() {
	local kernel row

	for kernel in $(kernel_names apt); do
		row=$(sed -nE "s/^\| ${kernel//./\\.} \| ([^|]*[0-9][^|]*\|.*)/\1/p" docs/support.md | head -n 1)
		if [ -z "$row" ]; then
			! kernel_names | grep -qxF "$kernel" || echo "docs/support.md has no run on $kernel"
			continue
		fi
		awk -F' *[|] *' -v kernel="$kernel" '
			$3 !~ /^(yes|cross-built)$/ || $4 == "NO" { print "docs/support.md: not built or not loaded on", kernel }
			$5 + 0 == 0 || $6 != "0" { print "docs/support.md:", $5, "passed,", $6, "failed on", kernel }' <<<"$row"
	done
	sed -nE '/^\| Kernel /,/^$/s/^\| ([0-9][^ ]*) .*/\1/p' docs/support.md | grep -vxF "$(kernel_names apt)" |
		sed 's/.*/docs\/support.md has a row for &, which is not in tests\/qemu\/KERNELS/' || :
}

check_symbols() {
	local found told

	found=$(sed -nE '/mr_symbols\[\]/,/^}/s/^\tMR_SYMBOL\([a-z0-9_]+, "([a-z0-9_]+)",.*/\1/p' module/symbols.c | sort)
	[ -n "$found" ] || echo "module/symbols.c: no table of functions found"
	told=$(sed -n '/^## Symbols/,/^## To check/p' docs/kernels.md |
		sed -nE 's/^\| ([a-z0-9]+_[a-z0-9_]+(, [a-z0-9_]+)*) \|.*/\1/p' | sed 's/, /\n/g' | sort)
	comm -23 <(echo "$found") <(echo "$told") | sed 's/.*/docs\/kernels.md does not name &/'
	comm -13 <(echo "$found") <(echo "$told") | sed 's/.*/docs\/kernels.md names &, which nobody looks up/'

	# Those without which the module does not load are what `mrelease info` asks for: no feature is lost with
	# them. One more has a name for each kernel.
	diff <(sed -nE '/mr_symbols\[\]/,/^}/s/^\tMR_SYMBOL\([a-z0-9_]+, "([a-z0-9_]+)", 0\),.*/\1/p' module/symbols.c | sort) \
		<(strings_of needed) | diagnose_differs 'module\/symbols.c'
	diff <(sed -nE 's/^#define MR_ZAP_NAME\t"([a-z0-9_]+)"$/\1/p' module/compat/zap.h | sort) \
		<(strings_of zaps) | diagnose_differs 'module\/compat\/zap.h'
}

check_readme() {
	tests/readme --plan
}

# The strings of an array of userspace/cli/diagnose.c.
strings_of() {
	sed -nE "/^static const char \*const $1\[\] = \{/,/^\}/s/^\t\"([a-z0-9_]+)\",\$/\1/p" userspace/cli/diagnose.c | sort
}

diagnose_differs() {
	sed -n "s/^< \(.*\)/userspace\/cli\/diagnose.c does not ask for \1, which $1 needs/p
		s/^> \(.*\)/userspace\/cli\/diagnose.c asks for \1, which $1 does not need/p"
}
