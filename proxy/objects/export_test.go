package objects

import "attache/proxy"

// LetGo makes c forget the chunks it holds, as an idle reader does.
func LetGo(c proxy.Content) {
	r := c.(*reader)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letGo()
}

// ForgetIndex makes c search for its chunks, from the first on or from some on.
func ForgetIndex(c proxy.Content, chunks int) {
	r := c.(*reader)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index = r.index[min(chunks, len(r.index)):]
}

// Indexed is how many chunks c knows the place of.
func Indexed(c proxy.Content) int { return len(c.(*reader).index) }
