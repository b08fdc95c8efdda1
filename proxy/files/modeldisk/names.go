package modeldisk

import "slices"

// entry is what a name in a directory becomes: a node, or nil if the name is removed.
type entry struct {
	dir  *directory
	name string
	node any
}

// change is one operation on names: all of its entries survive, or none.
type change struct {
	entries  []entry
	unsynced []*directory // those that need a SyncDir, with an entry each
}

// change changes names, for now only as programs see them.
func (d *Disk) change(entries ...entry) {
	c := &change{entries: entries}
	for _, e := range entries {
		put(e.dir.names, e)
		if !slices.Contains(c.unsynced, e.dir) {
			c.unsynced = append(c.unsynced, e.dir)
		}
	}
	d.changes = append(d.changes, c)
}

func put(names map[string]any, e entry) {
	if e.node == nil {
		delete(names, e.name)
	} else {
		names[e.name] = e.node
	}
}

// needs reports whether c cannot survive without the earlier change. Two changes of one file's
// names have a name in common.
func (c *change) needs(earlier *change) bool {
	return slices.ContainsFunc(c.entries, func(e entry) bool {
		return slices.ContainsFunc(earlier.entries, func(o entry) bool {
			return e.dir == o.dir && e.name == o.name
		})
	})
}

// syncNames makes the changes of a directory durable, and those that they need.
func (d *Disk) syncNames(dir *directory) {
	durable := make([]bool, len(d.changes))
	for i, c := range slices.Backward(d.changes) {
		if slices.Contains(c.unsynced, dir) {
			c.unsynced = slices.DeleteFunc(c.unsynced, func(o *directory) bool { return o == dir })
			durable[i] = durable[i] || len(c.unsynced) == 0
		}
		for j, earlier := range d.changes[:i] {
			durable[j] = durable[j] || durable[i] && c.needs(earlier)
		}
	}
	var left []*change
	for i, c := range d.changes {
		if durable[i] {
			c.persist()
		} else {
			left = append(left, c)
		}
	}
	d.changes = left
}

func (c *change) persist() {
	for _, e := range c.entries {
		put(e.dir.durable, e)
	}
}

// surviving chooses changes that survive a power loss: none, all, or any.
func (d *Disk) surviving() []*change {
	const none, all, some = 0, 1, 2
	if len(d.changes) == 0 {
		return nil
	}
	extent := d.choose(3)
	var survive, lost []*change
	for _, c := range d.changes {
		switch {
		case slices.ContainsFunc(lost, c.needs):
			lost = append(lost, c)
		case extent == all, extent == some && d.choose(2) == 1:
			survive = append(survive, c)
		default:
			lost = append(lost, c)
		}
	}
	return survive
}
