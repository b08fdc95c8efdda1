package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
	"attache/test/chaos/bugs"
	"attache/test/harness"
)

// lab is a directory, the compiled command and a seed for one run.
type lab struct {
	dir    string
	source string // directory of the product's source
	seed   uint64
	log    *slog.Logger
	store  store // of the processes that it starts
	binary string
	auth   *token.Authenticator

	planted map[string]string // builds with bugs or hooks, by name
}

const (
	secret = "chaos-chaos-chaos-chaos-chaos-chaos"
	origin = "https://chaos.example"
)

func newLab(dir, source string, seed uint64, log *slog.Logger) (*lab, error) {
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	return &lab{dir: dir, source: source, seed: seed, log: log, auth: auth, planted: map[string]string{}}, err
}

// on returns a copy of the lab whose processes have that store.
func (l *lab) on(s store) *lab {
	with := *l
	with.store = s
	return &with
}

// random returns a source for each part of a run, so that one part's draws do not
// change another's.
func (l *lab) random(part string) *rand.Rand {
	var key [32]byte
	copy(key[:], fmt.Sprintf("%d/%s", l.seed, part))
	return rand.New(rand.NewChaCha8(key))
}

// build compiles the command with those arguments of go build as well, and returns its
// path.
func (l *lab) build(ctx context.Context, name string, args []string) (string, error) {
	path := filepath.Join(l.dir, "attache-"+name)
	if err := harness.Build(ctx, path, append(args, "-ldflags", "-s -w")...); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return path, nil
}

// overlay returns the arguments of go build and go test that make those changes of the
// product's source.
func (l *lab) overlay(name string, changes []bugs.Change) ([]string, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	dir, err := l.sub("planted-" + name)
	if err != nil {
		return nil, err
	}
	replace, err := bugs.Plant(l.source, dir, changes...)
	if err != nil {
		return nil, err
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "overlay.json")
	return []string{"-overlay", path}, os.WriteFile(path, list, 0o600)
}

// serve returns a proxy that is not started yet, and its address.
func (l *lab) serve(name string, flags ...string) (*process, string, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	// Every page then gets the same events, and the journal names the documents.
	args := []string{"serve", "--listen", address, "--origin", origin, "--token-secret", secret, "--show-document-ids"}
	return l.process(name, append(args, flags...)), "http://" + address, nil
}

// backend returns a Chat Server and document store for proxies, not started yet.
func (l *lab) backend(name string, flags ...string) (*process, string, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	args := []string{"backend", "--listen", address, "--backend-secret", secret}
	return l.process(name, append(args, flags...)), "http://" + address, nil
}

// process returns the command with the flags that proxies and backends share.
func (l *lab) process(name string, args []string) *process {
	args = append(args,
		"--upload-max-files=-1", "--upload-max-file-size=-1", "--upload-max-total-size=-1", "--download-attempts=-1",
		"--admin", "", "--log-level", "warn")
	return &process{name: name, path: l.binary, args: args, ready: "serving ", log: filepath.Join(l.dir, name+".log")}
}

// token makes a token of a party of a session.
func (l *lab) token(session, user string, kind bridge.UserType) (string, error) {
	return l.auth.Mint(proxy.Identity{
		Session: session,
		Party:   bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent},
		Rights:  bridge.Rights{bridge.RightChat, bridge.UploadRight(bridge.FromFileSystem), bridge.RightDownload},
		Expires: time.Now().Add(24 * time.Hour),
	})
}

// sub makes a directory in the lab's.
func (l *lab) sub(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}
