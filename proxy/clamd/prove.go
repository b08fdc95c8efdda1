package clamd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"attache/proxy"
)

// Prove sends canaries: the EICAR test file, which every scanner knows and which
// harms nobody, as it is and in three places where clamd by default does not look
// and says OK. It fails when one of them passes, and names every option of clamd's
// that is missing. Where it has succeeded, clean means looked at.
func (c *Client) Prove(ctx context.Context) error {
	if err := c.Ping(ctx); err != nil {
		return err
	}
	var passed []error
	for _, canary := range canaries(c.MaxSize) {
		err := c.prove(ctx, canary)
		if err != nil && (canary.mustKnow || !errors.Is(err, errPassed)) {
			return err
		}
		passed = append(passed, err)
	}
	return errors.Join(passed...)
}

func (c *Client) prove(ctx context.Context, k canary) error {
	content := k.content()
	defer content.Close()
	verdict, signature, err := c.scan(ctx, content, 0)
	switch {
	case err != nil:
		return fmt.Errorf("show clamd the EICAR test file %s: %w", k.where, err)
	case verdict == proxy.Clean:
		return fmt.Errorf("%w %s: %s", errPassed, k.where, k.advice)
	case k.mustKnow && verdict != proxy.Infected:
		return fmt.Errorf("clamd calls the EICAR test file %s unscannable (%s), not infected", k.where, signature)
	}
	return nil
}

var errPassed = errors.New("clamd lets the EICAR test file pass")

// canary is a file that must not be clean.
type canary struct {
	where, advice string
	mustKnow      bool // unscannable will not do
	content       func() io.ReadCloser
}

func canaries(size int64) []canary {
	of := func(b []byte) func() io.ReadCloser {
		return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
	}
	return []canary{
		{"as it is", "load ClamAV's signatures (freshclam)", true, of(eicar())},
		{"in an encrypted zip", "set AlertEncrypted yes in clamd.conf", false, of(encrypted(eicar()))},
		{"in a deeply nested zip", "set AlertExceedsMax yes in clamd.conf", false, of(nested(eicar(), 30))},
		{fmt.Sprintf("behind %d bytes of padding", size), "set AlertExceedsMax yes in clamd.conf", false,
			func() io.ReadCloser { return padded(eicar(), size) }},
	}
}
