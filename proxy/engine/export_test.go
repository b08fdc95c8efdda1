package engine

import "time"

// Age makes what the account last said so much older.
func (e *Engine) Age(d time.Duration) {
	e.account.mu.Lock()
	defer e.account.mu.Unlock()
	e.account.answered = e.account.answered.Add(-d)
}
