package responses

import (
	"context"
	"time"
)

// Refresh reads the directory now.
func (l *Library) Refresh(ctx context.Context) { l.refresh(ctx) }

// Age makes all links look as old as that.
func (l *Library) Age(d time.Duration) {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	l.renewed = l.renewed.Add(-d)
}
