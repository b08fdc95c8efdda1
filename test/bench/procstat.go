package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: USER_HZ, 100 on every Linux
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// groupTime returns the processor time used so far by the process pid and the
// members of the process group of that number.
func groupTime(pid int) time.Duration {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var total time.Duration
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		used, _ := timeOf(content, pid)
		total += used
	}
	return total
}

// timeOf reads one /proc/PID/stat (proc_pid_stat(5)): the processor time, and whether
// the process is of the group. It is zero for another group.
func timeOf(stat []byte, group int) (used time.Duration, of bool) {
	end := bytes.LastIndexByte(stat, ')') // the name before it may hold anything
	open := bytes.IndexByte(stat, '(')
	if end < 0 || open < 0 {
		return 0, false
	}
	fields := strings.Fields(string(stat[end+1:])) // from field 3, the state
	if len(fields) < 13 {
		return 0, false
	}
	want := strconv.Itoa(group)
	if strings.TrimSpace(string(stat[:open])) != want && fields[2] != want {
		return 0, false
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, true
}

// machineTime returns the times of all processors so far, in ticks.
type machineTime struct{ total, idle, wait, steal float64 }

func readMachineTime() machineTime {
	content, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(content), "\n")
	fields := strings.Fields(strings.TrimPrefix(first, "cpu"))
	var m machineTime
	for i, field := range fields[:min(8, len(fields))] { // guest times are within user's
		ticks, _ := strconv.ParseFloat(field, 64)
		m.total += ticks
		switch i {
		case 3:
			m.idle = ticks
		case 4:
			m.wait = ticks
		case 7:
			m.steal = ticks
		}
	}
	return m
}

// resident is a process's resident set in bytes (VmRSS).
func resident(pid int) (float64, error) { return statusField(pid, "VmRSS:") }

// peakResident is the maximum since resetPeak (VmHWM), recorded by the kernel, so no
// sampling can miss it.
func peakResident(pid int) (float64, error) { return statusField(pid, "VmHWM:") }

// resetPeak makes peakResident start again from now (proc_pid_clear_refs(5)).
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func statusField(pid int, name string) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		value, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		return kilobytes * kib, err
	}
	return 0, fmt.Errorf("process %d has no %s", pid, name)
}
