// Package storetest is the suite of cases for every store of content: for each promise that
// package proxy makes about Staging, Writer, Documents, Content, Pieces and Settler there is
// a case, and its name is the promise.
//
//	func TestStoreSuite(t *testing.T) { storetest.Run(t, storetest.Target{Open: open}) }
//	func TestStoreSuite_FindsEveryFault(t *testing.T) { storetest.Faults(t, storetest.Target{Open: open}) }
//
// Cases about two processes that have one store open at the same time are cluster only: for a
// store that only one process may have, [Run] shows that a second one is refused instead.
//
// [Faults] and [ClusterFaults] break the store in one way after the other, and fail unless the
// case about that promise finds it.
package storetest
