package main

import (
	"fmt"
	"slices"

	"attache/test/chaos/bugs"
)

type store = bugs.Store

// bothStores is the value of -store that runs everything on each.
const bothStores = "both"

var stores = []store{bugs.Files, bugs.Objects}

// chosenStores returns the stores that a value of -store names.
func chosenStores(name string) ([]store, error) {
	switch {
	case name == bothStores:
		return stores, nil
	case slices.Contains(stores, store(name)):
		return []store{store(name)}, nil
	}
	return nil, fmt.Errorf("-store=%s is none of %s, %s and %s", name, bugs.Files, bugs.Objects, bothStores)
}
