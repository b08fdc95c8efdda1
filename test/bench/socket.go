package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A listening socket may be held by several processes, such as a supervisor and the
// child that it restarts. A connection is held by the process that accepted it: that one
// does the server's work, and its processor time and memory are the server's.

// servers returns the processes that hold the server's end of a connection to the
// address, http://host:port of IPv4.
func servers(ctx context.Context, address string) ([]int, error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var local, remote net.Addr
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, to)
		if err == nil {
			local, remote = c.LocalAddr(), c.RemoteAddr()
		}
		return c, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/", nil)
	if err != nil {
		return nil, err
	}
	// Any answer will do: with it, a process has accepted the connection.
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	inode, err := inodeOf(read("/proc/net/tcp"), remote.(*net.TCPAddr).AddrPort(), local.(*net.TCPAddr).AddrPort())
	if err != nil {
		return nil, err
	}
	return holders(inode), nil
}

// inodeOf finds a connection in /proc/net/tcp (proc_net(5)).
func inodeOf(table string, local, remote netip.AddrPort) (string, error) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 9 && fields[1] == tableAddress(local) && fields[2] == tableAddress(remote) {
			return fields[9], nil
		}
	}
	return "", fmt.Errorf("no socket leads from %s to %s", local, remote)
}

// tableAddress writes the address as the kernel does, as a number in the machine's byte order.
func tableAddress(a netip.AddrPort) string {
	four := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(four[:]), a.Port())
}

// holders returns the processes that have the socket of that inode open.
func holders(inode string) (pids []int) {
	want := "socket:[" + inode + "]"
	all, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range all {
		files, _ := os.ReadDir(dir) // of other users: not readable, and not ours
		for _, file := range files {
			if to, _ := os.Readlink(filepath.Join(dir, file.Name())); to == want {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

var errOtherProcess = errors.New("another process serves there than the one that is measured")

// servedBy returns an error unless the processes that serve the address are all in the
// group: otherwise the server's processor time would be read from the wrong process.
func servedBy(ctx context.Context, address string, group int) error {
	pids, err := servers(ctx, address)
	if err != nil {
		return fmt.Errorf("find the process that serves %s: %w", address, err)
	}
	if len(pids) == 0 {
		return fmt.Errorf("no process serves %s", address)
	}
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return err
		}
		if _, of := timeOf(stat, group); !of {
			return fmt.Errorf("%s: %w: %d serves and %d is measured", address, errOtherProcess, pid, group)
		}
	}
	return nil
}
