package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// toolchain is the Go toolchain of a package; its go.mod may select another one than that in
// PATH.
type toolchain struct {
	version string // as runtime.Version reports it inside the module
	root    string
}

func findToolchain(pkg string) (toolchain, error) {
	out, err := command(pkg, "env", "GOVERSION", "GOROOT").Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("querying go env for %s: %w", pkg, withStderr(err))
	}
	version, root, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return toolchain{}, fmt.Errorf("go env answered %q", out)
	}
	return toolchain{version: version, root: root}, nil
}

// notInlined switches inlining off. The module is then a fifteenth smaller after brotli, and
// a tenth larger before. It mostly waits for the network. The only hot code is the checksum,
// whose loop stays inlined: with calls in it, it is two and a half times slower.
var notInlined = []string{"-gcflags=all=-l", "-gcflags=hash/crc32=", "-gcflags=internal/byteorder="}

// build compiles the package in dir and returns the module's bytes. It leaves out paths,
// version control state and build ids, so that equal sources give equal bytes.
func (t toolchain) build(dir, out string, flags ...string) ([]byte, error) {
	abs, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", abs}, flags...)
	cmd := command(dir, append(args, ".")...)
	cmd.Env = append(cmd.Environ(), "GOOS=js", "GOARCH=wasm", "GOWASM=")
	if _, err := cmd.Output(); err != nil {
		return nil, fmt.Errorf("building %s: %w", dir, withStderr(err))
	}
	return os.ReadFile(abs)
}

// copyGlue copies the script that starts a module; it must come from the module's toolchain.
func (t toolchain) copyGlue(to string) error {
	glue, err := os.ReadFile(filepath.Join(t.root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("this Go has no wasm_exec.js: %w", err)
	}
	return os.WriteFile(to, glue, 0o644)
}

// command returns the go command in dir, without inherited GOFLAGS: flags for native builds
// (-race, -cover) break or change the module.
func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOFLAGS=")
	return cmd
}

func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
