package mail

// OnCrashPoint sets the function that is called at each crash point, until restore. No loop may
// be running at either moment.
func OnCrashPoint(f func(name string)) (restore func()) {
	crashPoint = f
	return func() { crashPoint = func(string) {} }
}

// Encode returns the message as it is sent.
func (s *SMTP) Encode(m Message) ([]byte, error) { return m.encode(s.from) }

// SetMaxBody sets the bound of a mail, in bytes, until restore. No loop may be running at either
// moment.
func SetMaxBody(n int) (restore func()) {
	before := maxBody
	maxBody = n
	return func() { maxBody = before }
}
