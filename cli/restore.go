package cli

import (
	"fmt"

	"attache/bridge"
	"attache/proxy/backup"
)

// restoreCommand makes a data directory of a backup.
type restoreCommand struct {
	Data   string `required:"" type:"path" help:"data directory to make; it must be empty, or not exist" placeholder:"DIR"`
	Verify bool   `help:"compare each file with its digest too"`
	Dir    string `arg:"" type:"existingdir" help:"a backup, or a directory of backups, of which the newest is restored"`
	logFlags
}

// Run restores one backup.
func (c restoreCommand) Run(s streams) error {
	ctx, done := untilSignal(interrupts())
	defer done()
	r, err := backup.Restore(ctx, backup.RestoreOptions{Data: c.Data, Dir: c.Dir, Verify: c.Verify, Log: c.logger(s.log)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "restored %s from %s: %d files, %s\n", c.Data, r.Path, r.Files, bridge.Bytes(r.Bytes))
	return nil
}
