package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"attache/proxy"
	"attache/proxy/chatrequest"
	"attache/proxy/engine"
)

// onChatFlags say which system learns of the chats that customers request.
type onChatFlags struct {
	OnChat           string `help:"post each chat that a customer requests through --gms to this address, until it is accepted with a 2xx status: the system that finds an agent; --admin lists them at /attache/admin/chats" group:"gms" placeholder:"URL"`
	OnChatSecret     string `xor:"onchat" help:"secret that signs what is posted, at least 32 bytes (header Attache-Signature)" group:"gms" placeholder:"TEXT"`
	OnChatSecretFile string `xor:"onchat" type:"path" help:"file with that secret" group:"gms" placeholder:"FILE"`
}

func (f onChatFlags) check(m *mistakes, api gmsFlags) {
	secret, err := f.secret()
	switch {
	case f.OnChat == "":
		m.idle(given(f), "without an address: give one with --on-chat")
		return
	case api.relays():
		m.add("--on-chat has no effect %s", withAddress)
	case api.GMS == "":
		m.add("--on-chat has no effect without --gms, because only GMS' Chat API requests chats")
	}
	if u, err := url.Parse(f.OnChat); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		m.add("--on-chat %q is not a URL: write https://host/path", redact(u, f.OnChat))
	}
	if err != nil || len(secret) > 0 {
		m.secret("--on-chat-secret", secret, err)
	}
}

func (f onChatFlags) secret() ([]byte, error) {
	if f.OnChatSecretFile == "" {
		return []byte(f.OnChatSecret), nil
	}
	text, err := os.ReadFile(f.OnChatSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the secret for requested chats: %w", err)
	}
	return trimmed(text), nil
}

// start opens the requested chats; nil if none can be requested.
func (f onChatFlags) start(ctx context.Context, e *engine.Engine, c proxy.ChatServer, served bool, log *slog.Logger) (*chatrequest.Requests, error) {
	if !served {
		return nil, nil
	}
	secret, err := f.secret()
	if err != nil {
		return nil, err
	}
	return chatrequest.Start(ctx, e, chatrequest.Options{Chat: c, URL: f.OnChat, Secret: secret, Log: log})
}
