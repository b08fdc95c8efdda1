package clamd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"attache/proxy"
)

// SelfTest scans canaries: the EICAR test file, plain and hidden in three kinds of archive that
// clamd by default does not look into and calls OK. It fails if one of them passes, and names
// every option that is missing in clamd.conf. After it has succeeded, clean means scanned.
func (c *Client) SelfTest(ctx context.Context) error {
	if err := c.Ping(ctx); err != nil {
		return err
	}
	var passed []error
	for _, canary := range canaries(c.cfg.MaxSize) {
		err := c.testCanary(ctx, canary)
		if err != nil && (canary.mustKnow || !errors.Is(err, errPassed)) {
			return err
		}
		passed = append(passed, err)
	}
	return errors.Join(passed...)
}

func (c *Client) testCanary(ctx context.Context, k canary) error {
	content := k.content()
	defer content.Close()
	verdict, signature, err := c.scan(ctx, content, 0)
	switch {
	case err != nil:
		return fmt.Errorf("scan the EICAR test file %s: %w", k.where, err)
	case verdict == proxy.Clean:
		return fmt.Errorf("%w %s: %s", errPassed, k.where, k.advice)
	case k.mustKnow && verdict != proxy.Infected:
		return fmt.Errorf("clamd calls the EICAR test file %s unscannable (%s), not infected", k.where, signature)
	}
	return nil
}

var errPassed = errors.New("clamd passed the EICAR test file")

// canary is a file that must not be clean.
type canary struct {
	where, advice string
	mustKnow      bool // unscannable is not enough
	content       func() io.ReadCloser
}

func canaries(size int64) []canary {
	of := func(b []byte) func() io.ReadCloser {
		return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
	}
	return []canary{
		{"unchanged", "load ClamAV's signatures (freshclam)", true, of(EICAR())},
		{"in an encrypted zip", "set AlertEncrypted yes in clamd.conf", false, of(encrypted(EICAR()))},
		{"in a deeply nested zip", "set AlertExceedsMax yes in clamd.conf", false, of(nested(EICAR(), 30))},
		{fmt.Sprintf("after %d bytes of padding", size), "set AlertExceedsMax yes in clamd.conf", false,
			func() io.ReadCloser { return padded(EICAR(), size) }},
	}
}
