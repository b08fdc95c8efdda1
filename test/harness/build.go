// Package harness is shared by the programs of this module, bench, siege and chaos: the
// flags of a run ([Run]), its working directory, the compiled command ([Build]), a NATS
// server ([ServeNode]) and a result in JSON ([Result]).
package harness

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Source returns the directory of the product's source.
func Source(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "attache").Output()
	if err != nil {
		return "", fmt.Errorf("find the product's source, run it within test/: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build compiles the command, with those further arguments of go build. It does so
// in the product's module: this one knows nothing of the command's dependencies.
func Build(ctx context.Context, path string, args ...string) error {
	source, err := Source(ctx)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-o", path}, args, []string{"."})...)
	build.Dir = source
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build attache: %w: %s", err, output)
	}
	return nil
}
