package clamd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"attache/proxy"
)

// maxReply is far beyond clamd's longest answer.
const maxReply = 4 << 10

// readReply reads the one answer of a connection: text, one NUL, the end.
func readReply(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxReply+1))
	switch {
	case len(b) > maxReply:
		return "", errors.New("clamd's answer does not end")
	case len(b) == 0 && err != nil:
		return "", fmt.Errorf("read clamd's answer: %w", err)
	case len(b) == 0:
		return "", errors.New("clamd closed the connection without an answer")
	}
	// A broken pipe at our end may reset the connection after a complete answer.
	text, rest, whole := bytes.Cut(b, []byte{0})
	if !whole {
		return "", fmt.Errorf("clamd's answer broke off: %q", b)
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("clamd answered more than once: %q", b)
	}
	return string(text), nil
}

const (
	clean     = "stream: OK"
	sizeLimit = "INSTREAM size limit exceeded. ERROR"
)

// notScanned are the prefixes of the names that clamd reports as FOUND for content that it could
// not scan.
var notScanned = []string{"Heuristics.Limits.Exceeded", "Heuristics.Encrypted.", "Heuristics.Broken."}

// parse returns the verdict in clamd's answer. An unknown answer is an error.
func parse(reply string) (v proxy.Verdict, signature string, err error) {
	if reply == clean {
		return proxy.Clean, "", nil
	}
	if reply == sizeLimit {
		return proxy.Unscannable, "StreamMaxLength", nil
	}
	name, found := strings.CutSuffix(reply, " FOUND")
	name, stream := strings.CutPrefix(name, "stream: ")
	if !found || !stream || strings.TrimSpace(name) == "" || strings.ContainsFunc(name, unprintable) {
		return proxy.Unknown, "", fmt.Errorf("clamd answered %q", reply)
	}
	for _, prefix := range notScanned {
		if strings.HasPrefix(name, prefix) {
			return proxy.Unscannable, name, nil
		}
	}
	return proxy.Infected, name, nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }
