//go:build !linux

package cli

import "syscall"

// killedWithParent does nothing here: the child notices its parent's end by the pipe.
func killedWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
