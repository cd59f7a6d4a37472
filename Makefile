# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front door; what each target does stands in README.md.  The module is
# built by the kernel from Kbuild.

VERSION := $(shell cat VERSION)
KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=
PREFIX ?= /usr/local
# The kernel that dkms builds for.
KVER ?= $(shell uname -r)
DKMS_SRC = $(DESTDIR)/usr/src/mrelease-$(VERSION)

all: module lib

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

lib tool:
	$(MAKE) -C userspace

install: lib
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

uninstall:
	$(MAKE) -C userspace uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

# What a kernel build needs, and no more.
DKMS_FILES = dkms.conf Kbuild VERSION module uapi LICENSES
dkms-source:
	install -d $(DKMS_SRC)
	cp -R $(DKMS_FILES) $(DKMS_SRC)/
	find $(DKMS_SRC) \( -name '*.o' -o -name '.*.cmd' \) -delete

dkms-install: dkms-source
	dkms add -m mrelease -v $(VERSION)
	dkms build -m mrelease -v $(VERSION) -k $(KVER)
	dkms install -m mrelease -v $(VERSION) -k $(KVER)

dkms-uninstall:
	dkms remove -m mrelease -v $(VERSION) --all
	rm -rf $(DKMS_SRC)

REV = HEAD
DIST = build/mrelease-$(VERSION).tar.gz
dist:
	mkdir -p $(dir $(DIST))
	git archive --prefix=mrelease-$(VERSION)/ -o $(DIST) $(REV)

# Debian packages of what is committed, into build/deb.
deb:
	rm -rf build/deb
	mkdir -p build/deb
	git archive --prefix=mrelease-$(VERSION)/ HEAD | tar -x -C build/deb
	cd build/deb/mrelease-$(VERSION) && dpkg-buildpackage -us -uc -b
	rm -r build/deb/mrelease-$(VERSION)

setup:
	tests/setup

demo: setup
	tests/demo

bench: setup
	tests/bench

check: setup
	tests/run-all

# Every kernel that the harness knows from Debian, and the tests at full length.
check-all: setup
	tests/setup --all
	tests/run-all --all

# The guest tests and some torture on kernels with KASAN and lockdep, and with KCSAN.
check-debug: setup
	tests/setup --debug
	tests/check-debug

lint:
	tests/lint

unit:
	$(MAKE) -s -C tests/unit unit

clean:
	rm -rf build
	$(MAKE) -C userspace clean
	$(MAKE) -C tests/unit clean
	rm -f mrelease.ko mrelease.mod mrelease.mod.c mrelease.mod.o mrelease.o
	rm -f module/*.o module/.*.cmd .*.cmd Module.symvers modules.order

.PHONY: all module lib tool install uninstall dkms-source dkms-install \
	dkms-uninstall dist deb setup demo bench check check-all check-debug \
	lint unit clean
