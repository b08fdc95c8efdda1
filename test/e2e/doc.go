// Package e2e holds the browser tests: the real command on a free port, real
// files on disk, and Chromium without a window.
//
//	go -C test test ./e2e
//
// Every test has a browser context and a process of its own. Most run twice: with
// the demo page, which the command serves itself, and with a page of another origin
// that imports the widget from it, as most host pages do (testdata/host.html under
// the policy in testdata/csp.txt). A warning or an error in a page's console, an
// uncaught exception and a violation of the policy fail the test that opened the
// page.
//
// Tests run side by side, except those that need the keyboard's focus or see the
// downloads of the whole browser.
//
// testdata/probe.js runs in every page before the page's own scripts: it reads the
// widget's DOM and waits for conditions there. testdata/views.js runs too where
// a test makes and removes elements.
//
//	go -C test test ./e2e -run Shots -shots DIR
//
// writes pictures of the demo page to DIR.
//
//	go -C test test ./e2e -run R16 -args -cuts 100
//
// cuts the wire of one upload a hundred times, which takes some minutes; without
// -cuts it is twenty times.
package e2e
