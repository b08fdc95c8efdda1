//go:build !linux

package cli

import "syscall"

// tied leaves it to the child to notice its parent's end, by the pipe's.
func tied(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
