package ucs

// OnCrashPoint calls f at every crash point until undo is called.
func OnCrashPoint(f func(name string)) (undo func()) {
	crashPoint = f
	return func() { crashPoint = func(string) {} }
}
