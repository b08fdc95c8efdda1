package engine

import (
	"errors"
	"os"
	"slices"
)

// Content is a store in a directory of the data directory, perhaps on a volume of its own.
type Content struct {
	Dir string // the path of the directory, which must exist
	// Bytes is how many bytes the store has, for Options.MaxStore. It is called often, and
	// may be too low while the store still counts.
	Bytes func() int64
	// Reopen is called at the end of an outage, when the data directory is locked and
	// before the server is reached again, with the directory, which is closed later. If
	// it fails, the outage continues.
	Reopen func(dir *os.Root) error
}

// content is a Content with its directory.
type content struct {
	*Content
	volume *volume
}

// Attach adds a store of content. detach ends the calls of the functions of c, after those
// that are under way. A cluster has no directory.
func (e *Engine) Attach(c Content) (detach func(), err error) {
	if e.embedded == nil {
		return nil, errors.New("a cluster has no directory for content")
	}
	return e.embedded.attach(&c)
}

func (m *embedded) attach(c *Content) (func(), error) {
	m.attaching.Lock()
	defer m.attaching.Unlock()
	v, err := openVolume(c.Dir, m.reserve)
	if err != nil {
		return nil, err
	}
	if err := v.mark(); err != nil {
		v.close()
		return nil, err
	}
	if m.maxStore != 0 {
		c.Bytes() // a store begins to count when it is first asked
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.contents = append(slices.Clone(m.contents), content{c, v})
	return func() { m.detach(c) }, nil
}

func (m *embedded) detach(c *Content) {
	m.attaching.Lock()
	defer m.attaching.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.contents = slices.DeleteFunc(slices.Clone(m.contents), func(other content) bool {
		if other.Content == c {
			other.volume.close()
		}
		return other.Content == c
	})
}

// open gives the content's store its directory.
func (c content) open() error {
	if err := c.volume.mark(); err != nil {
		return err
	}
	return c.Reopen(c.volume.root)
}
