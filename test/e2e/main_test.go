package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"attache/test/harness"
)

// program is the built command, browser the one browser of all tests but those
// that stop it.
var (
	program string
	browser context.Context
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "attache-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "attache")
	if err := build(program); err != nil {
		return 0, err
	}
	var stop func()
	if browser, stop, err = startBrowser(filepath.Join(dir, "profile")); err != nil {
		return 0, err
	}
	code := m.Run()
	stop()
	if code != 0 {
		return code, nil
	}
	return code, goleak.Find()
}

// build makes the module and the command from this source.
func build(program string) error {
	pack := exec.Command("go", "run", "./web/pack")
	pack.Dir = "../.."
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("go run ./web/pack: %w\n%s", err, out)
	}
	return harness.Build(context.Background(), program)
}

func startBrowser(profile string) (_ context.Context, stop func(), err error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, errors.New("the command chromium is missing: run ci/deps.sh, which installs it")
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium),
		chromedp.NoSandbox, // there is none for root, and the pages are ours
		chromedp.DisableGPU,
		chromedp.UserDataDir(profile),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1280, 900),
	)...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		free()
		return nil, nil, fmt.Errorf("start chromium: %w", err)
	}
	return ctx, func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		free()
	}, nil
}
