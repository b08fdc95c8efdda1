// Package gws is a client of GWS, the web services behind the vendor's agents. An agent's file
// becomes an attachment of the agent's interaction: GWS stores it in UCS, so no Platform SDK is
// needed. It is the store of what agents send; what customers send is in another store.
//
//	c, err := gws.New(gws.Options{URL: "https://gws.example", Account: gws.Account{User: …, Secret: …}})
//	d, err := gws.Open(ctx, engine, c, gws.DocumentsOptions{})
//	assembly.Open(ctx, engine, assembly.Options{Agents: d.From, …})
//
// Adding a file takes two requests: its bytes, which GWS answers with the document's id, and an
// operation that attaches that document. GWS has no documented request that lists attachments,
// and repeating either request has an effect of its own. So before each request and after it, an
// [entry] is written, and the next try continues from there, in this process or in another.
//
// What the vendor documents, what was seen in its clients and what is unknown is said at
// [NamedOptions]: each unknown is an option.
package gws
