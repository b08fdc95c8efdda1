package cli

import "syscall"

// killedWithParent has the kernel kill the child when its parent ends, however it ends.
func killedWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}
