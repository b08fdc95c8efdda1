package upstream

// OnCrashPoint sets the function that is called between any two steps.
func OnCrashPoint(f func(name string)) (restore func()) {
	before := crashPoint
	crashPoint = f
	return func() { crashPoint = before }
}

// Kill ends a client as a killed process would end, as far as others can see: the chats that it
// polls are not returned.
func Kill(c *Client) {
	c.killed.Store(true)
	c.Close()
}

// Held is how many chats the client polls.
func Held(c *Client) int { return int(c.held.Load()) }

// SweepOnce drops what was downloaded and is kept no longer.
func SweepOnce(c *Client) error { return c.sweepOnce(c.ctx) }

// HasContent reports whether a file's bytes are kept.
func HasContent(c *Client, session, fileID string) bool {
	d, _, err := c.document(c.ctx, documentID(session, fileID))
	return err == nil && d.Content != "" && c.has(c.ctx, d.Content)
}
