// Package proxytest is for tests of the proxy and of what it stands on.
package proxytest

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// atOnce is how many parallel tests run at once. They wait for the disk and for
// deadlines much longer than they compute, so processors are not what to count.
const atOnce = "8"

// Main runs the tests of a package and checks that no goroutine is left at their end.
//
//	func TestMain(m *testing.M) { proxytest.Main(m) }
func Main(m *testing.M, o ...goleak.Option) {
	SideBySide()
	goleak.VerifyTestMain(m, o...)
}

// SideBySide lets parallel tests run in larger numbers, unless -parallel says how many.
// It is for a TestMain of one's own.
func SideBySide() {
	flag.Parse()
	if !given("test.parallel") {
		flag.Set("test.parallel", atOnce)
	}
}

func given(name string) (is bool) {
	flag.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}
