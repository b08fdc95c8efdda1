// Package deliver takes an accepted upload to its end: scanned, stored,
// announced.
//
// [Records] keeps one record an upload in a JetStream stream, changed only by
// compare-and-set. The record is the upload's state and the work item at once:
// each change of it is a message, and a [Loop] in every proxy takes the messages
// as one queue.
//
//	records, err := deliver.OpenRecords(ctx, engine, deliver.RecordsOptions{})
//	loop, err := deliver.Start(ctx, deliver.Options{Records: records, Staging: store, …})
//	defer records.Close()
//	defer loop.Close(ctx)
//
// Whoever has taken a message holds it for as long as the queue hears of it: a
// lease that ends with its holder. A step may therefore happen again, after a
// crash or beside a holder that only seemed dead, and every step allows that:
// a scan repeats, storing the same document is one document, and a notice
// carries the upload's key, by which the chat server refuses a second one and
// the loop looks for the first before it repeats one.
//
// Where a step's outcome is worth keeping (a verdict, the id that a foreign store
// has given) the record is changed and its new message goes on, in whichever
// proxy takes it. With no scanner and our own store nothing is: from accepted to
// announced are two flushes of the disk, the document's and the notice's.
//
// An upload may name another one of its party that is to be announced before it. It
// is scanned and stored meanwhile, and then waits, for a bounded time and without a
// worker, until that one's record is final.
//
// An upload that is cancelled or fails may have a document already, and its
// notice may be on its way. So the final record is a work item too: what was
// stored is removed once it is certain that nothing in the transcript names it,
// and then the audit log, where there is one, gets its line.
package deliver
