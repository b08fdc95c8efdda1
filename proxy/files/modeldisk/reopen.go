package modeldisk

import (
	"maps"
	"slices"
)

// Restart stops the disk for the process that uses it, and returns it for another one, as after
// a kill: the kernel has all that was written. It has no fault.
func (d *Disk) Restart() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	next := New(d.choose)
	next.root, next.changes, next.aborted = d.root, d.changes, d.aborted
	return next
}

// Reopen stops the disk by a power loss, and returns it as it may be found afterwards. Each
// call returns one possible state. Nothing on it is unsynced, and it has no fault.
func (d *Disk) Reopen() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	next := New(d.choose)
	next.root = d.survivor(d.root, d.surviving())
	return next
}

// survivor is a directory as it is found after a power loss that those changes survive.
func (d *Disk) survivor(dir *directory, survive []*change) *directory {
	names := maps.Clone(dir.durable)
	for _, c := range survive {
		for _, e := range c.entries {
			if e.dir == dir {
				put(names, e)
			}
		}
	}
	next := newDirectory()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		next.names[name] = d.copyOf(names[name], survive)
	}
	next.durable = maps.Clone(next.names)
	return next
}

func (d *Disk) copyOf(node any, survive []*change) any {
	if dir, ok := node.(*directory); ok {
		return d.survivor(dir, survive)
	}
	return newFile(node.(*file).survivor(d.choose))
}
