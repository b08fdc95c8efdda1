package e2e

import (
	_ "embed"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/states.js
var states string

// TestAxeFindsNothing checks states of the element that other tests do not look at, in
// both colour schemes and from right to left, in a window 320 pixels wide.
func TestAxeFindsNothing(t *testing.T) {
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	require.NoError(t, err, "run npm ci --prefix web")
	d := places[0].open(t)
	require.NoError(t, chromedp.Do(d.ctx, chromedp.EmulateViewport(320, 640)))
	tell(d.page, "() => {"+string(axe)+"}")
	tell(d.page, "() => {"+states+"}")
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(d.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			// An item that is still fading in has too little contrast.
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		require.NoError(t, err)
		tell(d.page, "(dir) => { document.documentElement.dir = dir; }", map[string]string{"light": "ltr", "dark": "rtl"}[scheme])
		for _, name := range ask[[]string](d.page, "states.names") {
			t.Run(name+", "+scheme, func(t *testing.T) {
				require.Empty(t, ask[[]string](d.page, "states.check", name))
				d.still(t, name+", "+scheme)
			})
		}
	}
}

// still takes a picture of a state if there is a directory for pictures.
func (d *desk) still(t *testing.T, name string) {
	t.Helper()
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(d.ctx, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*shots+"/"+name+".png", picture, 0o644))
}
