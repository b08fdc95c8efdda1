package cli

import (
	"fmt"
	"log/slog"

	"attache/bridge"
	"attache/proxy/backup"
	"attache/proxy/engine"
)

// backupCommand copies a data directory, also while a process uses it.
type backupCommand struct {
	Data string `required:"" type:"path" help:"data directory to copy; the process that uses it may run" placeholder:"DIR"`
	Dir  string `arg:"" type:"path" help:"directory of backups; each backup is a directory in it, named after its time"`
	logFlags
}

// Run makes one backup.
func (c backupCommand) Run(s streams) error {
	ctx, done := untilSignal(interrupts())
	defer done()
	r, err := backup.Create(ctx, backup.Options{Data: c.Data, Dir: c.Dir, Log: c.logger(s.log)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "backup %s: %d files, %s, of which %s were not in an earlier backup\n", r.Path, r.Files, bridge.Bytes(r.Bytes), bridge.Bytes(r.Copied))
	return nil
}

// offerBackup lets attache backup copy the data directory of a running engine.
func offerBackup(e *engine.Engine, log *slog.Logger) (stop func()) {
	return backup.Listen(e, log).Close
}
