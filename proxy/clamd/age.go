package clamd

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// old is the age at which libclamav itself warns in clamd's log (cli_cvdload in
// libclamav/cvd.c of ClamAV 1.4). The daily database is made anew each day.
const old = 7 * 24 * time.Hour

// Age is how old clamd's signatures are. An error says that it is unknown: clamd
// is away, answered something unknown, has no daily database of ClamAV's, or one
// of the future.
func (c *Client) Age(ctx context.Context) (time.Duration, error) {
	s, err := c.Signatures(ctx)
	if err != nil {
		return 0, err
	}
	return s.Age(c.Now())
}

// Fresh fails where there is a MaxAge and the signatures are older, or of unknown
// age.
func (c *Client) Fresh(ctx context.Context) error {
	if c.MaxAge == 0 {
		return nil
	}
	age, err := c.Age(ctx)
	if err != nil {
		return fmt.Errorf("the age of clamd's signatures is unknown: %w", err)
	}
	if age > c.MaxAge {
		return fmt.Errorf("clamd's signatures are %s old and may be %s", age.Round(time.Second), c.MaxAge)
	}
	return nil
}

// Report says in the log which engine clamd is and how old its signatures are: as
// a warning where they are older than a week or MaxAge, or of unknown age.
func (c *Client) Report(ctx context.Context) {
	s, err := c.Signatures(ctx)
	if err != nil {
		c.Log.Warn("the age of clamd's signatures is unknown", "error", err)
		return
	}
	age, err := s.Age(c.Now())
	if err != nil {
		c.Log.Warn("the age of clamd's signatures is unknown", "engine", s.Engine, "error", err)
		return
	}
	level, says := slog.LevelInfo, "clamd's signatures"
	if age > old || c.MaxAge != 0 && age > c.MaxAge {
		level, says = slog.LevelWarn, "clamd's signatures are old: does freshclam run?"
	}
	c.Log.Log(ctx, level, says, "engine", s.Engine, "daily", s.Daily, "made", s.Made, "age", age.Round(time.Second))
}

// Watch reports every so often until ctx ends.
func (c *Client) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.Report(ctx)
		case <-ctx.Done():
			return
		}
	}
}
