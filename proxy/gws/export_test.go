package gws

// OnCrashPoint calls f at each point where a process may die, until the test ends.
func OnCrashPoint(t interface{ Cleanup(func()) }, f func(point string)) {
	crashPoint = f
	t.Cleanup(func() { crashPoint = func(string) {} })
}
