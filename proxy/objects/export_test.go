package objects

import "attache/proxy"

// DropChunks makes c drop its chunks, as an idle reader does.
func DropChunks(c proxy.Content) {
	r := c.(*reader)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
}

// ForgetIndex makes c search for its chunks, for the first ones only or for all.
func ForgetIndex(c proxy.Content, chunks int) {
	r := c.(*reader)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index = r.index[min(chunks, len(r.index)):]
}

// Indexed returns how many chunks c knows the position of.
func Indexed(c proxy.Content) int { return len(c.(*reader).index) }
