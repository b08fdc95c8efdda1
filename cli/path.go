package cli

import (
	"errors"
	"reflect"

	"github.com/alecthomas/kong"
)

// pathMapper reads a flag of type path. An empty one is refused: kong makes the current
// directory of it, and so would a script with --data "$UNSET".
var pathMapper = kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path == "" {
		return errors.New("is empty: name a file or directory, or leave the flag out")
	}
	if path != "-" {
		path = kong.ExpandPath(path)
	}
	target.SetString(path)
	return nil
})
