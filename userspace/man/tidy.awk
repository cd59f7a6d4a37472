# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scdoc writes, in the form that `mandoc -Tlint` has nothing to say about: no paragraph that is
# empty, no line of input over 80 bytes, the title in capitals; and no hyphens in
# names, which has to be said behind the title.

function flush(line) {
	if (paragraph && line !~ /^\.(SH|SS|RE|P)/ && last !~ /^\.(SH|SS|RS)/)
		print line ~ /^\.(nf|TS)/ ? ".sp" : ".P"
	if (line !~ /^\.RE/ || !paragraph)
		paragraph = 0
}

function put(line,  at) {
	# At a blank; what follows must not look like a request.
	while (!literal && line !~ /^\./ && length(line) > 80) {
		for (at = 80; at > 1 && (substr(line, at, 1) != " " || substr(line, at + 1, 1) ~ /[.\047 ]/); at--)
			;
		if (at <= 1)
			break
		print substr(line, 1, at - 1)
		line = substr(line, at + 1)
	}
	print line
}

/^\.P$/ { paragraph = 1; next }
/^\.(nh|ad l)$/ { next }
/^\.TH / { $2 = toupper($2); $0 = $0 "\n.nh\n.ad l" }
{
	flush($0)
	if (/^\.(nf|TS)/)
		literal = 1
	put($0)
	if (/^\.(fi|T[E])/)
		literal = 0
	last = $0
}
