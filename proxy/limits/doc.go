// Package limits holds the options of Chat Server's section client-file-transfer, and the
// limits of all other parties, as one document in the engine: every proxy on the engine
// follows it, and it changes without a restart.
//
//	store, err := limits.Open(ctx, engine, limits.Options{Base: settings})
//	defer store.Close()
//	chat.Open(ctx, engine, chat.Options{Limits: store})
//	http.Handle(limits.Path, limits.Handler(store, …))
//
// # Which value is in force
//
// An option can be set by a flag, in a file that is watched, and by a request to the admin
// address. What a process starts with (the flags, and over them the file) is the base. The
// document has the options in force and the base that was last applied. A start, and a
// change of the file, compare the base with that: an option whose base has changed takes
// its new value, and every other one stays as it is. So a restart with the same flags undoes
// no change, and a flag that was edited has an effect, as its editor expects. In a cluster
// the proxies need the same flags: otherwise each start applies its own.
package limits
