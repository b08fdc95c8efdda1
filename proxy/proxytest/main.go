// Package proxytest runs a whole proxy in a test: [Start] returns a [World],
// assembled as the command assembles it, with Chat Server, documents and scanner.
// [Main] is the TestMain of the packages that the proxy needs; it fails if a
// goroutine is left.
package proxytest

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// atOnce is how many parallel tests run at once. They wait for the disk and for
// deadlines much longer than they compute, so their number need not follow the number
// of processors.
const atOnce = "8"

// Main runs the tests of a package and checks that no goroutine is left at their end.
//
//	func TestMain(m *testing.M) { proxytest.Main(m) }
func Main(m *testing.M, o ...goleak.Option) {
	SideBySide()
	goleak.VerifyTestMain(m, o...)
}

// SideBySide lets atOnce parallel tests run at once, unless the flag -parallel is set.
// A package with a TestMain of its own calls it.
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
