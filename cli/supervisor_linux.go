package cli

import "syscall"

// tied has the kernel kill the child with its parent, however that one ends.
func tied(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}
