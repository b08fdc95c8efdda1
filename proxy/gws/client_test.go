package gws_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gws"
)

func TestPrivateCA(t *testing.T) {
	w := start(t)
	secure := httptest.NewTLSServer(w.gws)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = w.server.Config.ErrorLog
	d := w.stage("a.pdf", random(10))
	w.open(func(_ *world, o *gws.Options) { o.URL = secure.URL })
	_, err := w.all.Add(t.Context(), d)
	require.ErrorContains(t, err, "certificate")
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	w.open(func(_ *world, o *gws.Options) { o.URL, o.TLS = secure.URL, &tls.Config{RootCAs: pool} })
	w.add(d)
}

// A GWS that takes the connection and says nothing does not hold an upload for ever.
func TestSilentGWS(t *testing.T) {
	w := start(t)
	ended := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-ended }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(ended) })
	w.open(func(_ *world, o *gws.Options) { o.URL, o.Timeout = silent.URL, 50*time.Millisecond })
	_, err := w.all.Add(t.Context(), w.stage("a.pdf", random(1<<20)))
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
}

// The password goes nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	w := start(t)
	asked := make(chan struct{}, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	t.Cleanup(elsewhere.Close)
	front := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(front.Close)
	w.open(func(_ *world, o *gws.Options) { o.URL = front.URL })
	_, err := w.all.Add(t.Context(), w.stage("a.pdf", random(10)))
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
	require.Empty(t, asked)
}

func TestNamedOptions(t *testing.T) {
	for setting, says := range map[string]string{
		"api":                              "NAME=VALUE",
		"apis=8.5.2":                       "not an option",
		"api=8.4":                          "8.5.2, 8.5.0, workspace",
		"chat-path=/x":                     "lacks {interaction}",
		"chat-path=x":                      "begins with /",
		"attachment-path=/a/{interaction}": "lacks {document}",
		"field=":                           "empty",
	} {
		var n gws.Named
		require.ErrorContains(t, n.Set(setting), says, setting)
	}
	for _, o := range gws.NamedOptions {
		var n gws.Named
		require.NoError(t, n.Set(o.Name+"="+o.Default), o.Name)
		require.NotEmpty(t, o.Source)
	}
	for _, bad := range []gws.Options{
		{URL: "gws.example", Account: gws.Account{Secret: "x"}}, {URL: "https://gws.example"},
		{URL: "https://gws.example", Accounts: map[string]gws.Account{"ann": {User: "a"}}},
	} {
		_, err := gws.New(bad)
		require.Error(t, err)
	}
}
