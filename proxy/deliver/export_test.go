package deliver

// OnStep sets what is called at each border between two steps, until restore.
// Loops must not be running at either moment.
func OnStep(f func(name string)) (restore func()) {
	step = f
	return func() { step = func(string) {} }
}
