package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// joinedParts stands in for session/parts.js: what that imports when it is needed is there
// from the start.
const joinedParts = `import * as build from '../dist/build.js';
import * as go from './go.js';
export const importBuild = async () => build;
export const importGo = async () => go;
`

// parts puts the files of the build in, whose address is relative to dist.
func parts() api.Plugin {
	return api.Plugin{Name: "parts", Setup: func(build api.PluginBuild) {
		build.OnLoad(api.OnLoadOptions{Filter: `[/\\]session[/\\]parts\.js$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text := joinedParts
			return api.OnLoadResult{Contents: &text, ResolveDir: filepath.Dir(args.Path)}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `[/\\]dist[/\\]build\.js$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text, err := os.ReadFile(args.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			before, after := []byte("'./"+moduleFile), []byte("'./dist/"+moduleFile)
			if !bytes.Contains(text, before) {
				return api.OnLoadResult{}, fmt.Errorf("%s does not name the module", args.Path)
			}
			moved := string(bytes.Replace(text, before, after, 1))
			return api.OnLoadResult{Contents: &moved}, nil
		})
	}}
}

// exportsOf returns what the only output of a build exports.
func exportsOf(metafile string) ([]string, error) {
	var meta struct {
		Outputs map[string]struct {
			Exports []string `json:"exports"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, err
	}
	for _, output := range meta.Outputs {
		return output.Exports, nil
	}
	return nil, nil
}
