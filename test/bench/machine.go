package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine holds the facts that a reader needs to compare figures.
type machine struct {
	Processor  string    `json:"processor"`
	SHA        string    `json:"sha"` // the processor's extension for SHA-256
	Cores      int       `json:"cores"`
	Memory     string    `json:"memory"`
	Kernel     string    `json:"kernel"`
	FileSystem string    `json:"fileSystem"` // of everything that is stored or read
	Go         string    `json:"go"`
	Chromium   string    `json:"chromium"`
	Node       string    `json:"node,omitempty"`
	Began      time.Time `json:"began"`
}

func describeMachine(dir, chromium string) machine {
	return machine{
		Processor:  lineOf("/proc/cpuinfo", "model name"),
		SHA:        hashing(read("/proc/cpuinfo")),
		Cores:      runtime.NumCPU(),
		Memory:     lineOf("/proc/meminfo", "MemTotal"),
		Kernel:     strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		FileSystem: fileSystem(dir, read("/proc/mounts")),
		Go:         runtime.Version(),
		Chromium:   chromium,
		Node:       output("node", "--version"),
		Began:      time.Now().UTC().Truncate(time.Second),
	}
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores, %s, Linux %s, %s, %s, %s, Node %s",
		m.Processor, m.SHA, m.Cores, m.Memory, m.Kernel, m.FileSystem, m.Go, m.Chromium, m.Node)
}

// hashing names the extension with which Go computes SHA-256: sha_ni on amd64, sha2 on
// arm64. Without it, SHA-256 takes several times as long in every server.
func hashing(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); key != "flags" && key != "Features" {
			continue
		}
		for _, flag := range strings.Fields(value) {
			if flag == "sha_ni" || flag == "sha2" {
				return "with SHA extensions (" + flag + ")"
			}
		}
	}
	return "without SHA extensions"
}

// fileSystem names the type of the mount that holds dir: the longest mount
// point that is a prefix of it.
func fileSystem(dir, mounts string) string {
	kind, longest := "unknown file system", -1
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := strings.TrimSuffix(fields[1], "/")
		if (dir == point || strings.HasPrefix(dir, point+"/")) && len(point) >= longest {
			kind, longest = fields[2], len(point)
		}
	}
	return kind
}

func lineOf(path, name string) string {
	for line := range strings.Lines(read(path)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func read(path string) string {
	content, _ := os.ReadFile(path)
	return string(content)
}

func output(name string, args ...string) string {
	answer, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(answer))
}
