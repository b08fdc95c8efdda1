package engine_test

import (
	"context"
	"fmt"
	"os"

	"attache/proxy/engine"
)

// hold is the other process: it opens the directory until it is killed.
func hold(dir string) {
	if _, err := engine.Start(context.Background(), engine.Options{Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print("ready")
	select {}
}
