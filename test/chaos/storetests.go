package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"attache/test/chaos/bugs"
)

// storeTests are the tests that judge bugs of the files store, in storePackage.
var storeTests = map[bugs.Judge][]string{
	bugs.ModelDisk: {"^TestModelDisk", "-rapid.checks=1000"}, // some are found by one in hundreds
	bugs.Suite:     {"^TestStoreSuite$"},
}

const storePackage = "./proxy/files"

// noticeInTests compiles the judge's tests with that bug and runs them once. Their
// failure is the finding.
func (l *lab) noticeInTests(ctx context.Context, b bugs.Bug) (n noticed, err error) {
	begun := time.Now()
	overlay, err := l.overlay("bug-"+b.Name, b.Changes)
	if err != nil {
		return n, err
	}
	test := exec.CommandContext(ctx, "go", slices.Concat([]string{"test", "-count=1", "-vet=off", "-failfast", "-run", storeTests[b.Judge][0]},
		overlay, []string{storePackage, "-rapid.nofailfile", fmt.Sprint("-rapid.seed=", l.seed)}, storeTests[b.Judge][1:])...)
	test.Dir = l.source
	output, err := test.CombinedOutput()
	n.Attempts, n.Seconds = 1, time.Since(begun).Seconds()
	n.Caught, n.Example, err = testVerdict(output, err)
	return n, err
}

// testVerdict tells a failed test from a test run that did not happen.
func testVerdict(output []byte, failed error) (caught bool, example string, err error) {
	at := bytes.Index(output, []byte("--- FAIL: "))
	switch {
	case failed != nil && at >= 0:
		return true, string(output[at:min(at+maxExample, len(output))]), nil
	case failed != nil:
		return false, "", fmt.Errorf("run the store's tests: %w: %s", failed, output)
	case bytes.Contains(output, []byte("no tests to run")):
		return false, "", errors.New("package " + storePackage + " has none of the tests")
	}
	return false, "", nil
}

// maxExample bounds how much of a failed test's output is reported, in bytes.
const maxExample = 600
