// Package backend is the contract to a Chat Server and a document store in another
// process, from both ends. docs/backend.md is its normative text; path.go and wire.go
// have its names.
//
// The native ports of Genesys Chat Server and UCS are not publicly specified. A licensee
// who may use them writes an adapter, a program that plays the role of the backend, and
// the proxy uses it as it uses its own Chat Server:
//
//	browser ── proxy ── backend contract ── adapter ── Chat Server, UCS
//
// On the proxy's side, [Dial] asks the backend for its features and returns a [Client],
// whose Chat and Documents implement the seams of package proxy:
//
//	client, err := backend.Dial(ctx, backend.ClientOptions{URL: "http://10.0.0.5:8373", Secret: secret})
//	chat, documents := client.Chat(), client.Documents(staging)
//
// Every request of the contract may be repeated. If a broken connection leaves an outcome
// unclear, the client retries as long as its caller waits and ClientOptions.RetryFor lasts.
// A stream of events resumes after the last event that it brought.
//
// On the backend's side, [NewHandler] serves any implementation of those seams; `attache
// backend` serves this module's own. [Conform] runs the contract's cases against a backend.
package backend
