package clamdtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// daily returns a daily database with one signature. Because it is unsigned (.cud),
// clamd accepts it from any maker, and reports its number and time like those of the
// official one.
//
// Source: ClamAV's manual, "Inspecting signatures inside a CVD file", on the header of 512 bytes.
// The tar.gz after it has an .info that repeats the header and names the parts, as cli_loadinfo in
// libclamav/readdb.c of ClamAV 1.4 requires.
func daily(t *testing.T, made time.Time) []byte {
	t.Helper()
	const number, signatures, level, unsigned = 27500, 1, 90, "X"
	header := fmt.Sprintf("ClamAV-VDB:%s:%d:%d:%d:%s:%s:own:%d", made.UTC().Format("02 Jan 2006 15-04 -0700"),
		number, signatures, level, unsigned, unsigned, made.Unix())
	b := bytes.NewBufferString(fmt.Sprintf("%-512s", header))
	zipped := gzip.NewWriter(b)
	parts := tar.NewWriter(zipped)
	sum := sha256.Sum256([]byte(signature()))
	for _, part := range [][2]string{
		{"daily.info", fmt.Sprintf("%s\ndaily.ndb:%d:%x\n", header, len(signature()), sum)},
		{"daily.ndb", signature()},
	} {
		require.NoError(t, parts.WriteHeader(&tar.Header{Name: part[0], Mode: 0o600, Size: int64(len(part[1])), Format: tar.FormatUSTAR}))
		_, err := parts.Write([]byte(part[1]))
		require.NoError(t, err)
	}
	require.NoError(t, parts.Close())
	require.NoError(t, zipped.Close())
	return b.Bytes()
}
