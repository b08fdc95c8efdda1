package transcript

// SetMaxEvent sets the bound of one entry, in bytes, until restore.
func SetMaxEvent(n int) (restore func()) {
	before := maxEvent
	maxEvent = n
	return func() { maxEvent = before }
}
