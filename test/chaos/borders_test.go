package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/test/chaos/bugs"
)

func TestDeathsAt(t *testing.T) {
	for _, c := range []struct {
		name   string
		border border
		store  store
		full   bool
		want   []string
	}{
		{"files", border{name: "taken"}, bugs.Files, false, []string{"proxy alone", "proxy", "backend", "proxy and backend"}},
		{"objects", border{name: "taken"}, bugs.Objects, false, []string{"proxy alone", "node alone", "proxy and backend"}},
		{"objects, in full", border{name: "taken"}, bugs.Objects, true, []string{"proxy alone", "node alone", "proxy", "backend", "node", "proxy and backend"}},
		{"a backend's", border{name: "put", backend: true}, bugs.Objects, false, []string{"proxy", "backend", "node", "proxy and backend"}},
		{"of a proxy that continues", border{name: "content cut", after: "pieces synced"}, bugs.Files, false, []string{"proxy alone", "proxy", "proxy and backend"}},
		{"of a sweep", border{name: "day renamed", swept: true}, bugs.Files, false, []string{"proxy alone"}},
		{"the other store's", border{name: "renamed", store: bugs.Files}, bugs.Objects, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for _, d := range (options{full: c.full}).deathsAt(c.border, c.store) {
				names = append(names, d.name)
			}
			require.Equal(t, c.want, names)
		})
	}
}
