package clamd

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// old is the age at which libclamav itself warns in clamd's log (cli_cvdload in
// libclamav/cvd.c of ClamAV 1.4). The daily database is rebuilt each day.
const old = 7 * 24 * time.Hour

// Age returns the age of clamd's signatures. An error means that it is unknown: clamd cannot
// be reached, gave an unknown answer, or has no daily database from ClamAV, or one from the
// future.
func (c *Client) Age(ctx context.Context) (time.Duration, error) {
	s, err := c.Signatures(ctx)
	if err != nil {
		return 0, err
	}
	return s.Age(c.cfg.Now())
}

// CheckAge fails if there is a MaxAge and the signatures are older, or their age is unknown.
func (c *Client) CheckAge(ctx context.Context) error {
	if c.cfg.MaxAge == 0 {
		return nil
	}
	age, err := c.Age(ctx)
	if err != nil {
		return fmt.Errorf("the age of clamd's signatures is unknown: %w", err)
	}
	if age > c.cfg.MaxAge {
		return fmt.Errorf("clamd's signatures are %s old; the limit is %s", age.Round(time.Second), c.cfg.MaxAge)
	}
	return nil
}

// LogSignatures logs clamd's version and the age of its signatures: as a warning if they are
// older than a week or MaxAge, or if their age is unknown.
func (c *Client) LogSignatures(ctx context.Context) {
	s, err := c.Signatures(ctx)
	if err != nil {
		c.cfg.Log.Warn("the age of clamd's signatures is unknown", "error", err)
		return
	}
	age, err := s.Age(c.cfg.Now())
	if err != nil {
		c.cfg.Log.Warn("the age of clamd's signatures is unknown", "engine", s.Engine, "error", err)
		return
	}
	level, message := slog.LevelInfo, "clamd's signatures"
	if age > old || c.cfg.MaxAge != 0 && age > c.cfg.MaxAge {
		level, message = slog.LevelWarn, "clamd's signatures are old: does freshclam run?"
	}
	c.cfg.Log.Log(ctx, level, message, "engine", s.Engine, "daily", s.Daily, "made", s.Made, "age", age.Round(time.Second))
}

// LogSignaturesEvery logs them at that interval until ctx ends.
func (c *Client) LogSignaturesEvery(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.LogSignatures(ctx)
		case <-ctx.Done():
			return
		}
	}
}
