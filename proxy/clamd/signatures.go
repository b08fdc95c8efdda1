package clamd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signatures describe the database that clamd has loaded.
type Signatures struct {
	// Engine is clamd's version, for example 1.4.3.
	Engine string
	// Daily is the number of ClamAV's daily database; 0 if clamd has only signatures
	// of other makers.
	Daily uint32
	// Made is the time of that database; zero if there is none.
	Made time.Time
}

// Signatures asks clamd, by the command VERSION, for the database that it has loaded.
//
// clamd's answer has a local time without its zone. It is parsed in our zone, so it is wrong by
// the difference if the two zones differ.
//
// Source: print_ver in clamd/session.c of ClamAV 1.4, and cli_ctime, which is
// ctime(3); the manual page clamd(8) says only "program and database versions".
func (c *Client) Signatures(ctx context.Context) (Signatures, error) {
	reply, err := c.ask(ctx, "VERSION")
	if err != nil {
		return Signatures{}, err
	}
	return parseVersion(reply, time.Local)
}

// Version names the database, and this client's limit, which a verdict depends on as well;
// empty if clamd has only signatures of other makers, whose version it does not tell.
func (c *Client) Version(ctx context.Context) (string, error) {
	s, err := c.Signatures(ctx)
	if err != nil || s.Daily == 0 {
		return "", err
	}
	return fmt.Sprintf("%s/%d/%d/%d", s.Engine, s.Daily, s.Made.Unix(), c.cfg.MaxSize), nil
}

// parseVersion parses "ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026", or "ClamAV 1.4.3" if there
// is no daily database. Anything else is an error.
func parseVersion(reply string, zone *time.Location) (Signatures, error) {
	version, begins := strings.CutPrefix(reply, "ClamAV ")
	engine, database, has := strings.Cut(version, "/")
	if !begins || engine == "" || strings.ContainsFunc(engine, unprintable) {
		return Signatures{}, fmt.Errorf("clamd answered %q", reply)
	}
	if !has {
		return Signatures{Engine: engine}, nil
	}
	number, text, _ := strings.Cut(database, "/")
	daily, err := strconv.ParseUint(number, 10, 32)
	if err != nil || daily == 0 {
		return Signatures{}, fmt.Errorf("clamd answered %q: database number not understood", reply)
	}
	made, err := time.ParseInLocation(time.ANSIC, text, zone)
	if err != nil {
		return Signatures{}, fmt.Errorf("clamd answered %q: database date not understood", reply)
	}
	return Signatures{engine, uint32(daily), made}, nil
}

// zones is the largest difference between two time zones.
const zones = 26 * time.Hour

// Age returns their age at now. An error means that it is unknown. A database from the future,
// by at most the difference of two zones, counts as new.
func (s Signatures) Age(now time.Time) (time.Duration, error) {
	switch age := now.Sub(s.Made); {
	case s.Made.IsZero():
		return 0, errors.New("clamd has no daily database from ClamAV")
	case age < -zones:
		return 0, fmt.Errorf("clamd's daily database is from the future: %s", s.Made.Format(time.RFC3339))
	default:
		return max(age, 0), nil
	}
}
