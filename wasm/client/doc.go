// Package client is a page's side of the protocol: sessions, their two sockets,
// offsets, credit, retries, limits and errors. It does no I/O, reads no clock and
// knows no platform; its host hands these in as structs of functions ([Host],
// [Options], [Socket], [Pump]). The module in the browser is one host, and
// wasm/page, a page without a browser for tests, is another.
//
// (Structs of functions and not interfaces: a type inside an interface keeps all its
// methods, and those of everything in it. Every page would download them.)
//
// Every call from outside (by the host, a socket's event, a timer) is a task.
// Tasks run one after the other, so nothing here has a lock, and a panic in one is an
// error of the session, call or upload that it served.
//
//	Client        all sessions of a program
//	  Session     one party in one chat session
//	    chat      its first socket: JSON both ways          } each on
//	    data      its second socket: frames up, acks down   } a link
//	    request   a call that the proxy answers by number
//	    upload    a file
//
// A session reports to its host in words ([Word]), each with the number of the call
// it belongs to and a JSON text. A message that must not be lost is held until the
// proxy has answered, and is sent again after each reconnect; keys make that
// harmless.
package client
