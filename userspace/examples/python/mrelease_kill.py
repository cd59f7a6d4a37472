#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kill a process and have its memory back, from Python by ctypes and libmrelease.

usage: mrelease_kill.py PID [TIMEOUT_MS]

Nothing is needed but the shared library. A daemon opens the handle when it starts.
"""

import ctypes
import sys

BACKEND_AUTO = 0


class Result(ctypes.Structure):
    """struct mrelease_result of <linux/mrelease.h>; its size never changes."""

    _fields_ = [
        ("anon_bytes", ctypes.c_uint64),
        ("file_bytes", ctypes.c_uint64),
        ("shmem_bytes", ctypes.c_uint64),
        ("swap_bytes", ctypes.c_uint64),
        ("hugetlb_bytes", ctypes.c_uint64),
        ("evicted_bytes", ctypes.c_uint64),
        ("freed_bytes", ctypes.c_uint64),
        ("left_bytes", ctypes.c_uint64),
        ("elapsed_ns", ctypes.c_uint64),
        ("left_reasons", ctypes.c_uint32),
        ("notes", ctypes.c_uint32),
        ("victims", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("reserved", ctypes.c_uint64 * 5),
    ]


class ReleaseError(OSError):
    """A release that failed; what was done all the same is in .result."""

    def __init__(self, err, text, result):
        super().__init__(err, text)
        self.result = result


class Mrelease:
    """A handle of libmrelease(3)."""

    def __init__(self, backend=BACKEND_AUTO):
        # use_errno: or ctypes' own calls would change errno before we see it.
        lib = ctypes.CDLL("libmrelease.so.1", use_errno=True)
        lib.mrelease_open.argtypes = [ctypes.c_int]
        lib.mrelease_open.restype = ctypes.c_void_p
        lib.mrelease_close.argtypes = [ctypes.c_void_p]
        lib.mrelease_close.restype = None
        lib.mrelease_backend.argtypes = [ctypes.c_void_p]
        lib.mrelease_backend.restype = ctypes.c_int
        lib.mrelease_backend_name.argtypes = [ctypes.c_int]
        lib.mrelease_backend_name.restype = ctypes.c_char_p
        lib.mrelease_strerror.argtypes = [ctypes.c_int, ctypes.POINTER(Result)]
        lib.mrelease_strerror.restype = ctypes.c_char_p
        lib.mrelease_kill.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_uint32,
            ctypes.c_uint32,
            ctypes.POINTER(Result),
        ]
        lib.mrelease_kill.restype = ctypes.c_int
        self._lib = lib
        self._handle = lib.mrelease_open(backend)
        if not self._handle:
            err = ctypes.get_errno()
            raise OSError(err, lib.mrelease_strerror(err, None).decode())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Give the handle back; it may be called again."""
        self._lib.mrelease_close(self._handle)
        self._handle = None

    @property
    def backend(self):
        """device, syscall or signal."""
        return self._lib.mrelease_backend_name(
            self._lib.mrelease_backend(self._handle)
        ).decode()

    def kill(self, pid, flags=0, timeout_ms=0):
        """Kill, and return a Result when the memory is back."""
        result = Result()
        if self._lib.mrelease_kill(
            self._handle, pid, flags, timeout_ms, ctypes.byref(result)
        ):
            err = ctypes.get_errno()
            text = self._lib.mrelease_strerror(err, ctypes.byref(result))
            raise ReleaseError(err, text.decode(), result)
        return result


def main(args):
    if len(args) not in (2, 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with Mrelease() as handle:
        timeout_ms = int(args[2]) if len(args) == 3 else 0
        try:
            result = handle.kill(int(args[1]), timeout_ms=timeout_ms)
        except ReleaseError as error:
            print(f"{args[1]}: {error.strerror}", file=sys.stderr)
            return 1
        print(
            f"{handle.backend}: {result.freed_bytes} bytes freed, "
            f"{result.left_bytes} left"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
