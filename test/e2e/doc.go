// Package e2e holds the browser tests: the real command on a free port, real
// files on disk, and Chromium without a window.
//
//	go -C test test ./e2e
//
// Every test runs in a browser context and with a process of its own, twice:
// with the demo page, which the command serves itself, and with a page of
// another origin that imports the widget from it, as most host pages do
// (testdata/host.html under the policy in testdata/csp.txt). Whatever a page
// writes to its console as a warning or an error, an uncaught exception and a
// violation of the policy fail the test that opened it.
//
// testdata/probe.js is put into every page before its own scripts: it reads the
// widget's DOM, and waits for what is to become true there. testdata/views.js
// is put beside it where elements are made and unmade at will.
//
//	go -C test test ./e2e -run Shots -shots DIR
//
// leaves pictures of the demo page in DIR.
//
//	go -C test test ./e2e -run R16 -args -cuts 100
//
// cuts the wire of one upload a hundred times, which takes some minutes; without
// -cuts it is twenty times.
package e2e
