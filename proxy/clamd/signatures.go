package clamd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signatures is what clamd knows viruses by.
type Signatures struct {
	// Engine is clamd's version, such as 1.4.3.
	Engine string
	// Daily is the number of ClamAV's daily database; 0 where clamd has none, but
	// signatures of other makers only.
	Daily uint32
	// Made is when that database was; zero where there is none.
	Made time.Time
}

// Signatures asks clamd by the command VERSION what it has loaded.
//
// clamd tells the time of its own zone and does not say which that is. It is read
// in ours, which errs by what the two differ, should they.
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

// parseVersion reads "ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026", or "ClamAV
// 1.4.3" where there is no daily database. What is neither is an error.
func parseVersion(reply string, zone *time.Location) (Signatures, error) {
	version, begins := strings.CutPrefix(reply, "ClamAV ")
	engine, database, has := strings.Cut(version, "/")
	if !begins || engine == "" || strings.ContainsFunc(engine, odd) {
		return Signatures{}, fmt.Errorf("clamd answered %q", reply)
	}
	if !has {
		return Signatures{Engine: engine}, nil
	}
	number, text, _ := strings.Cut(database, "/")
	daily, err := strconv.ParseUint(number, 10, 32)
	if err != nil || daily == 0 {
		return Signatures{}, fmt.Errorf("clamd answered %q: which database?", reply)
	}
	made, err := time.ParseInLocation(time.ANSIC, text, zone)
	if err != nil {
		return Signatures{}, fmt.Errorf("clamd answered %q: of when is its database?", reply)
	}
	return Signatures{engine, uint32(daily), made}, nil
}

// zones is how much the clocks on the walls of two machines differ at most.
const zones = 26 * time.Hour

// Age is how old they are at now. An error says that it is unknown. What seems to
// be of the future by no more than zones differ is new.
func (s Signatures) Age(now time.Time) (time.Duration, error) {
	switch age := now.Sub(s.Made); {
	case s.Made.IsZero():
		return 0, errors.New("clamd has no daily database of ClamAV's")
	case age < -zones:
		return 0, fmt.Errorf("clamd's daily database is of the future: %s", s.Made.Format(time.RFC3339))
	default:
		return max(age, 0), nil
	}
}
