package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"os"
	"text/template"
)

// Bundlers recognize a URL in this form and include the module. v names the content, so
// a server may let that URL be cached forever.
var manifest = template.Must(template.New("").Parse(`// Written by web/pack: the module of this loader.
export const wasm = {
  url: new URL('./attache.wasm?v={{.V}}', import.meta.url),
  integrity: 'sha384-{{.SHA384}}',
  sha256: '{{.SHA256}}',
  go: '{{.Go}}',
};
`))

func writeManifest(path string, module []byte, goVersion string) error {
	sum256, sum384 := sha256.Sum256(module), sha512.Sum384(module)
	sha := hex.EncodeToString(sum256[:])
	var b bytes.Buffer
	err := manifest.Execute(&b, map[string]string{
		"V":      sha[:12],
		"SHA256": sha,
		"SHA384": base64.StdEncoding.EncodeToString(sum384[:]),
		"Go":     goVersion,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
