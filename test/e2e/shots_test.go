package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var shots = flag.String("shots", "", "directory for pictures of the demo page; empty takes none")

// TestShots takes pictures of the demo page for people to look at.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no folder was given with -shots")
	}
	d := places[0].open(t)
	d.conversation()
	d.picture("e2e")
}

// picture takes pictures of the page if there is a directory for them.
func (d *desk) picture(name string) {
	d.t.Helper()
	if *shots == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for size, of := range map[string][2]int64{"wide": {1280, 860}, "narrow": {420, 1500}} {
			_, err := chromedp.Call(d.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			require.NoError(d.t, err)
			require.NoError(d.t, chromedp.Do(d.ctx, chromedp.EmulateViewport(of[0], of[1])))
			tell(d.page, "e2e.settled")
			picture, err := chromedp.Run(d.ctx, chromedp.CaptureScreenshot())
			require.NoError(d.t, err)
			require.NoError(d.t, os.WriteFile(filepath.Join(*shots, name+"-"+size+"-"+scheme+".png"), picture, 0o644))
		}
	}
}

// conversation is a chat with files.
func (d *desk) conversation() {
	d.t.Helper()
	d.customer.say("Hello, my router reports an error since this morning.")
	d.agent.hears("Hello, my router reports an error since this morning.")
	for _, f := range []sample{generated(d.t, "screenshot of the error.png", pngFile(d.t)), generated(d.t, "router-settings.zip", archive(d.t, [][2]string{{"a", "b"}}))} {
		d.customer.give(f.path)
		d.agent.file(filepath.Base(f.path))
	}
	d.agent.say("Thank you. Please follow the first two pages of this manual.")
	d.customer.hears("Thank you. Please follow the first two pages of this manual.")
	d.choose("e2e.input", generated(d.t, "Manual for the installation and maintenance, second edition.pdf", pdfFile()).path)
	tell(d.page, `() => e2e.session('agent').upload(e2e.input.files[0], {
		description: 'Pages 12 and 13 are about this error.', custom: { case: 'SR-4711' },
	})`)
	for _, f := range []sample{generated(d.t, "دليل الاستخدام.docx", docxFile(d.t)), generated(d.t, "setup\u202Efdp.exe", []byte("MZ"))} {
		d.agent.give(f.path)
	}
	d.customer.file("setupfdp.exe")
	d.customer.give(large(d.t, "video of the blinking lights.mp4", 26<<20).path)
	d.customer.refusal("video of the blinking lights.mp4")
}
