// Package backend is the small contract to a Chat Server and a document store in
// another process, from both ends. docs/backend.md at the top of this module is its
// normative text; wire.go has its names.
//
// The native ports of Genesys Chat Server and UCS are not publicly specified.
// Whoever may build on them writes a bridge that serves this contract, and the
// proxy uses the bridge as it uses its own Chat Server:
//
//	browser ── proxy ── backend contract ── bridge ── Chat Server, UCS
//
// On the proxy's side, [Dial] asks the other end what it can do and returns a
// [Client], whose Chat and Documents implement the seams of package proxy:
//
//	client, err := backend.Dial(ctx, backend.Options{URL: "http://10.0.0.5:8373", Secret: secret})
//	chat, documents := client.Chat(), client.Documents(staging)
//
// What a broken connection leaves unclear is asked again, for as long as the
// caller waits or Options.Patience lasts: every request of the contract may be
// repeated. A stream of events goes on after the last event it brought.
//
// On the other side, [NewHandler] serves any implementation of those seams;
// `attache backend` serves this module's own. [Conform] runs the contract's
// cases against whoever claims to serve it.
package backend
