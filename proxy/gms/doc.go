// Package gms speaks Genesys Mobile Services' Chat API version 2: the HTTP interface that
// existing customer widgets and mobile apps use. A [Server] serves it on our own sessions, so
// that such a client works without any change:
//
//	s, err := gms.NewServer(proxy, gms.Options{})
//	http.Handle("/genesys/", s)
//
//	POST /genesys/2/chat/{service}                 nickname=Ann
//	{"statusCode":0,"alias":"1","chatId":"…","userId":"…","secureKey":"…","nextPosition":2,…}
//	POST /genesys/2/chat/{service}/{chatId}/send   message=hello&userId=…&secureKey=…&alias=1
//
// Every operation is one function from a [Call] to a [Reply]; REST and CometD differ only in
// how they read the one and write the other. The package holds no rule of a chat or of a file:
// it translates to [proxy.Flex], Chat Server's protocol for clients without a connection, and to
// [proxy.Transfers].
//
// What the vendor has published of the interface, what was seen in clients and captures, and
// what is unknown is in docs/systems.md; each unknown is one of the [Options].
package gms
