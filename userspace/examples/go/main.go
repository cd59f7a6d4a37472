// SPDX-License-Identifier: GPL-2.0-or-later

// Kill a process and have its memory back, from Go by the ioctl of
// /dev/mrelease: nothing but the standard library, no cgo.
//
//	go build -o kill-and-release main.go
//	./kill-and-release PID [TIMEOUT_MS]
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// As in <linux/mrelease.h>.
const (
	device       = "/dev/mrelease"
	flagKill     = 1 << 0
	iocType      = 0xF5
	iocRelease   = 1
	sysPidfdOpen = 434
)

// Result is struct mrelease_result.
type Result struct {
	AnonBytes    uint64
	FileBytes    uint64
	ShmemBytes   uint64
	SwapBytes    uint64
	HugetlbBytes uint64
	EvictedBytes uint64
	FreedBytes   uint64
	LeftBytes    uint64
	ElapsedNs    uint64
	LeftReasons  uint32
	Notes        uint32
	Victims      uint32
	pad          uint32
	reserved     [5]uint64
}

// args is struct mrelease_args.
type args struct {
	size      uint32
	pidfd     int32
	flags     uint32
	timeoutMs uint32
	result    Result
}

// The command carries the size of what this program was compiled with; the
// module looks at type and number only.
func iowr(nr, size uintptr) uintptr {
	return 3<<30 | size<<16 | iocType<<8 | nr
}

// Release kills the process of the pidfd, and returns when its memory is back.
// The result is filled, as far as it came, when there is an error as well.
func Release(dev *os.File, pidfd int, timeoutMs uint32) (Result, error) {
	a := args{
		size:      uint32(unsafe.Sizeof(args{})),
		pidfd:     int32(pidfd),
		flags:     flagKill,
		timeoutMs: timeoutMs,
	}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dev.Fd(),
		iowr(iocRelease, unsafe.Sizeof(a)), uintptr(unsafe.Pointer(&a)))
	runtime.KeepAlive(dev)
	if errno != 0 {
		return a.result, errno
	}
	return a.result, nil
}

func pidfdOpen(pid int) (int, error) {
	fd, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func run() error {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		return fmt.Errorf("usage: %s PID [TIMEOUT_MS]", os.Args[0])
	}
	pid, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	timeoutMs := uint64(0)
	if len(os.Args) == 3 {
		timeoutMs, err = strconv.ParseUint(os.Args[2], 10, 32)
		if err != nil {
			return err
		}
	}

	// A daemon does this when it starts.
	dev, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer dev.Close()

	pidfd, err := pidfdOpen(pid)
	if err != nil {
		return fmt.Errorf("pidfd_open(%d): %w", pid, err)
	}
	defer syscall.Close(pidfd)

	result, err := Release(dev, pidfd, uint32(timeoutMs))
	if err != nil {
		return fmt.Errorf("%d: %w (%d signalled, %d bytes left)", pid, err,
			result.Victims, result.LeftBytes)
	}
	fmt.Printf("device: %d bytes freed, %d left\n", result.FreedBytes, result.LeftBytes)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
