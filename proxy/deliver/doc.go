// Package deliver takes an accepted upload to its end: scanned, stored,
// announced.
// [Records] stores one record for each upload in a JetStream stream, changed only by
// compare-and-set. The record is the upload's state and the work item at once:
// each change of it is a message, and a [Loop] in every proxy takes the messages
// as one queue.
//
//	records, err := deliver.OpenRecords(ctx, engine, deliver.RecordsOptions{})
//	loop, err := deliver.Start(ctx, deliver.Options{Records: records, Staging: store, …})
//	defer records.Close()
//	defer loop.Close(ctx)
//
// A loop that has taken a message holds it for as long as it renews the lease; a dead
// loop's lease runs out. A step may therefore happen again, after a crash or beside a
// holder that only seemed dead, and every step allows that: a scan repeats, storing
// the same document is one document, and a notice carries the upload's key, by which
// the chat server refuses a second one and the loop looks for the first before it
// repeats one.
//
// If a step's result must be durable (a verdict, the id that another store returned),
// it is written to the record, and the new message continues the delivery in whichever
// proxy takes it. Without a scanner and with our own store no step has such a result:
// accepted to announced takes two flushes of the disk, the document's and the
// notice's.
//
// An upload may name another one of its party that is to be announced before it. It is
// scanned and stored meanwhile, and then waits, for a bounded time and without a
// worker, until that one's record is final.
//
// An upload that is cancelled or fails may have a document already, and its notice may
// be on its way. So the final record is a work item too: once it is certain that no
// notice in the transcript names the document, it is removed, and then the audit log,
// if there is one, gets its line.
package deliver
