package proxy

// OnCrashPoint sets the function that is called at each crash point, until restore. No upload may
// be under way at either moment.
func OnCrashPoint(f func(name string)) (restore func()) {
	crashPoint = f
	return func() { crashPoint = func(string) {} }
}
