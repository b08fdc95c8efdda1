package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"attache/bridge"
	"attache/proxy/engine"
)

// storeFlags say where everything is stored.
type storeFlags struct {
	Data     string `required:"" xor:"store" type:"path" help:"directory to store everything in" group:"store" placeholder:"DIR"`
	NATS     string `required:"" xor:"store" name:"nats" help:"store everything in this JetStream cluster instead: nats://a,nats://b,nats://c" group:"store" placeholder:"URL"`
	MaxStore int64  `default:"0" help:"bytes that chats and files together may take in --data; 0 is the whole volume" group:"store"`
	Login    string `name:"nats-credentials" type:"path" help:"credentials file for the cluster, if it requires one" group:"store" placeholder:"FILE"`
	Replicas int    `default:"0" help:"copies of everything in the cluster, 1 to 5; 0 is 3" group:"store"`
	KeepDays int    `default:"30" help:"days to keep transcripts and files" group:"store"`
}

func (f storeFlags) options() engine.Options {
	return engine.Options{Dir: f.Data, URL: f.NATS, Credentials: f.Login, Replicas: f.Replicas, MaxStore: f.MaxStore}
}

// minStore leaves room for uploads beside the chat's reserve.
const minStore = 64 << 20

func (f storeFlags) check(m *mistakes) {
	// A time.Duration overflows after three centuries.
	if f.KeepDays < 1 || f.KeepDays > 36500 {
		m.add("--keep-days=%d: at least 1, at most 36500", f.KeepDays)
	}
	if f.NATS == "" {
		m.directory("--data", f.Data)
		if f.Replicas > 1 {
			m.add("--replicas=%d needs a cluster, because --data keeps one copy: name a cluster with --nats", f.Replicas)
		}
		if f.Login != "" {
			m.add("--nats-credentials has no effect without a cluster: name one with --nats")
		}
	}
	if f.MaxStore != 0 && (f.MaxStore < minStore || f.MaxStore > bridge.MaxInteger) {
		m.add("--max-store=%d: give a number of bytes from %d to 2^53-1, or 0 for the whole volume", f.MaxStore, minStore)
	}
	if f.MaxStore != 0 && f.NATS != "" {
		m.add("--max-store has no effect on a cluster: limit the account with max_file in the NATS servers")
	}
	m.file("--nats-credentials", f.Login)
	// JetStream takes at most five.
	if f.Replicas < 0 || f.Replicas > 5 {
		m.add("--replicas=%d: 1 to 5, or 0 for 3", f.Replicas)
	}
	for _, s := range strings.FieldsFunc(f.NATS, func(r rune) bool { return r == ',' }) {
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			m.add("--nats %q is not the URL of a server: write nats://host:4222, and separate several by commas", s)
		}
	}
}

// bound is how large the store may be; 0 if that is not limited, or not by a size that works.
func (f storeFlags) bound() int64 {
	if f.MaxStore < minStore {
		return 0
	}
	return f.MaxStore
}

// openEngine starts the store. The NATS library names no address when it cannot connect
// to a cluster, so the hint does.
func openEngine(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	e, err := engine.Start(ctx, o)
	switch {
	case err == nil:
		return e, nil
	case o.URL != "":
		return nil, fmt.Errorf("connect to the cluster: %w: check --nats, and that a server is running there", err)
	}
	return nil, fmt.Errorf("open the store: %w", err)
}

// dataDir is where the demo stores everything by default.
func dataDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "attache")
}
