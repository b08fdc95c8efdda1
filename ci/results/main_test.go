package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stream is the output of go test -json for five packages.
const stream = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestX","Output":"=== RUN   TestX\n"}
{"Action":"output","Package":"a","Test":"TestX","Output":"    x_test.go:7: no rights  here\n"}
{"Action":"output","Package":"a","Test":"TestX","Output":"--- SKIP: TestX (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestX","Elapsed":0}
{"Action":"output","Package":"a","Test":"TestY","Output":"    y_test.go:8: all is well\n"}
{"Action":"pass","Package":"a","Test":"TestY","Elapsed":0}
{"Action":"output","Package":"a","Output":"a word of TestMain's\n"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.01s\n"}
{"Action":"pass","Package":"a","Elapsed":1.25}
{"Action":"output","Package":"b","Output":"?   \tb\t[no test files]\n"}
{"Action":"skip","Package":"b","Elapsed":0}
{"Action":"output","Package":"c","Test":"TestZ","Output":"=== RUN   TestZ\n"}
{"Action":"output","Package":"c","Test":"TestZ","Output":"    z_test.go:9: wrong\n"}
{"Action":"output","Package":"c","Test":"TestZ","Output":"--- FAIL: TestZ (0.00s)\n"}
{"Action":"fail","Package":"c","Test":"TestZ","Elapsed":0}
{"Action":"output","Package":"c","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"output","Package":"c","Output":"FAIL\tc\t0.01s\n"}
{"Action":"fail","Package":"c","Elapsed":31}
{"Action":"output","Package":"e","Test":"TestPasses","Output":"--- PASS: TestPasses (0.00s)\n"}
{"Action":"output","Package":"e","Test":"TestPasses","Output":"panic: test timed out after 10m0s\n"}
{"Action":"pass","Package":"e","Test":"TestPasses","Elapsed":0}
{"Action":"output","Package":"e","Output":"FAIL\te\t600.1s\n"}
{"Action":"fail","Package":"e","Elapsed":600.1}
{"Action":"build-output","ImportPath":"d","Output":"d.go:1: syntax error\n"}
`

func TestSort_ListsSkippedTestsAndSeconds_PrintsFailures(t *testing.T) {
	var printed, skipped, seconds strings.Builder
	require.NoError(t, sort(strings.NewReader(stream), &printed, &skipped, &seconds))
	require.Equal(t, "a TestX: x_test.go:7: no rights here\n", skipped.String())
	require.Equal(t, "    1.2  a\n   31.0  c\n  600.1  e\n", seconds.String())
	require.Equal(t, "ok  \ta\t0.01s\n"+
		"?   \tb\t[no test files]\n"+
		"    z_test.go:9: wrong\n--- FAIL: TestZ (0.00s)\npanic: test timed out\nFAIL\tc\t0.01s\n"+
		"panic: test timed out after 10m0s\nFAIL\te\t600.1s\n"+
		"d.go:1: syntax error\n", printed.String())
	require.Error(t, sort(strings.NewReader("no JSON"), &printed, &skipped, &seconds))
}
