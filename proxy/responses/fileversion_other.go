//go:build !unix

package responses

import (
	"os"
	"time"
)

func status(*os.File) (inode uint64, changed time.Time) { return 0, time.Time{} }
