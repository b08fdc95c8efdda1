package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/migration"
	"attache/proxy/objects"
)

// moveEarlier moves the content that an earlier release has stored in the embedded engine into
// files: that of the store that is being opened, and that of the other one, if the proxy had a
// backend then and has none now, or the other way round.
func moveEarlier(ctx context.Context, e *engine.Engine, name string, opened *files.Store, log *slog.Logger) error {
	names := e.JetStream().StreamNames(ctx)
	earlier := map[string]bool{}
	for stream := range names.Name() {
		for _, store := range []string{ownDocuments, stagedUploads} {
			if strings.HasPrefix(stream, "OBJ_"+store+"-") {
				earlier[store] = true
			}
		}
	}
	if names.Err() != nil {
		return fmt.Errorf("look for documents of an earlier release: %w", names.Err())
	}
	for store := range earlier {
		if err := moveStore(ctx, e, store, name, opened, log); err != nil {
			return err
		}
	}
	return nil
}

func moveStore(ctx context.Context, e *engine.Engine, store, name string, opened *files.Store, log *slog.Logger) error {
	to := opened
	if store != name {
		other, err := files.Open(files.Options{Dir: filepath.Join(e.Dir(), store), Volume: e.Volume(), Log: log})
		if err != nil {
			return err
		}
		defer other.Close()
		to = other
	}
	from, err := objects.Open(ctx, e, objects.Options{Prefix: store, Log: log})
	if err != nil {
		return err
	}
	return migration.Move(ctx, migration.Options{From: from, To: to, Log: log, Free: func(ctx context.Context) (int64, error) {
		free, low, err := e.FreeSpace(ctx)
		return free - low/2, err // uploads that have begun stop at half of the low mark
	}})
}
