//go:build !js

package page

import (
	"context"

	"attache/bridge"
	"attache/wasm/client"
)

// Say sends a message and waits until the proxy has it. The client sends it again after a cut,
// and a caller whose Say has failed may repeat it: with the same key it is in the session once.
func (p *Page) Say(ctx context.Context, key, text string) error {
	_, err := p.call(ctx, func(s *client.Session, call int64) {
		s.Say(call, bridge.Say{Key: key, Text: text, Visibility: bridge.All})
	})
	return err
}
