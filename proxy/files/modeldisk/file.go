package modeldisk

import (
	"maps"
	"slices"
)

// sector is what a drive writes whole or not at all, in bytes.
const sector = 512

// garbage fills bytes that belong to a file and were never written.
const garbage = 0xDB

// file is a file's content, as programs see it and as it is durable.
type file struct {
	cache, disk []byte
	lengths     []int            // that the file had since the last Sync
	dirty       map[int][][]byte // by sector: the contents it had since then, oldest first
	stale       bool             // a Sync failed: bytes that are not dirty may differ on the disk
}

func newFile(content []byte) *file {
	return &file{cache: content, disk: slices.Clone(content), dirty: map[int][][]byte{}}
}

func (f *file) write(p []byte, off int) {
	if len(p) == 0 {
		return
	}
	from, to := min(off, len(f.cache)), off+len(p)
	f.resize(max(to, len(f.cache)))
	copy(f.cache[off:], p)
	f.changed(from, to)
}

func (f *file) truncate(size int) {
	old := len(f.cache)
	f.resize(size)
	f.changed(min(size, old), max(size, old))
}

// resize cuts the cached content, or appends zeros.
func (f *file) resize(size int) {
	if size > len(f.cache) {
		f.cache = append(f.cache, make([]byte, size-len(f.cache))...)
		return
	}
	f.cache = f.cache[:size]
}

// changed notes a change of the bytes from one offset to another.
func (f *file) changed(from, to int) {
	f.lengths = append(f.lengths, len(f.cache))
	for i := from / sector; i*sector < to; i++ {
		now := make([]byte, sector)
		if i*sector < len(f.cache) {
			copy(now, f.cache[i*sector:])
		}
		f.dirty[i] = append(f.dirty[i], now)
	}
}

// sync makes the content durable.
func (f *file) sync(choose func(int) int) {
	switch {
	case len(f.lengths) == 0:
		return
	case f.stale:
		f.disk = f.written(len(f.cache), choose, newest)
	default:
		f.disk = slices.Clone(f.cache)
	}
	f.clean()
}

// failSync is a Sync that fails.
func (f *file) failSync(choose func(int) int) {
	if len(f.lengths) == 0 {
		return
	}
	f.disk = f.survivor(choose)
	if choose(2) == 1 { // the pages were dropped, and are read from the disk again
		for i := range f.dirty {
			start, end := min(i*sector, len(f.cache)), min((i+1)*sector, len(f.cache))
			clear(f.cache[start:end])
			if start < len(f.disk) {
				copy(f.cache[start:end], f.disk[start:])
			}
		}
	}
	f.stale = true
	f.clean()
}

func (f *file) clean() {
	f.lengths = nil
	clear(f.dirty)
}

// survivor is content that may be found after a power loss.
func (f *file) survivor(choose func(int) int) []byte {
	const nothing, everything, length, anything = 0, 1, 2, 3
	if len(f.lengths) == 0 {
		return slices.Clone(f.disk)
	}
	extent := choose(4)
	switch extent {
	case nothing:
		return slices.Clone(f.disk)
	case everything:
		return f.written(len(f.cache), choose, newest)
	case length:
		return f.written(len(f.cache), choose, unwritten)
	}
	lengths := slices.Compact(slices.Sorted(slices.Values(append(f.lengths, len(f.disk)))))
	return f.written(lengths[choose(len(lengths))], choose, func(versions int) int {
		return choose(versions + 1)
	})
}

func newest(versions int) int { return versions }
func unwritten(int) int       { return 0 }

// written is the durable content after some sectors were written: pick returns the version
// of a sector, from 1, or 0 if it was not written.
func (f *file) written(length int, choose func(int) int, pick func(versions int) int) []byte {
	content := make([]byte, length)
	known := copy(content, f.disk)
	if known < length && choose(2) == 1 {
		for i := range content[known:] {
			content[known+i] = garbage
		}
	}
	for _, i := range slices.Sorted(maps.Keys(f.dirty)) {
		if i*sector >= length {
			break
		}
		if v := pick(len(f.dirty[i])); v > 0 {
			copy(content[i*sector:], f.dirty[i][v-1])
		}
	}
	return content
}
