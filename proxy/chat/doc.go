// Package chat is Chat Server's semantics on JetStream: sessions, parties,
// messages, notices, files by reference, and the customers' allowances. It is
// what the proxy talks to where no Chat Server of the vendor's is at hand.
package chat
