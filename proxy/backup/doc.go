// Package backup copies a data directory (attache serve --data), also while a process uses it,
// and makes a data directory of such a copy.
//
// A data directory has two kinds of contents: streams of the embedded engine (sessions,
// records, seats, secrets) and plain files (documents, and staged bytes of uploads). [Create]
// copies the streams first, by JetStream's own snapshots, and the files after them. Files never
// change once they are documents, so every document that the streams name is there to be
// copied, unless it was removed meanwhile.
//
// One stream's snapshot shows it at one moment, but the streams are copied one after another,
// so their order matters; see [copyStreams].
//
// A backup is a directory, named after its time, in a directory of backups:
//
//	2026-11-28T21-23-18.042Z/
//	    manifest.json             what it is; a backup without it is not one
//	    content                   the size and name of each file below documents and staged
//	    streams/CHAT/backup.json  the stream's configuration, as the nats command writes it
//	    streams/CHAT/stream.arc.s2
//	    streams/UPLOADS/later.jsonl
//	    documents/2026-11-28/…    as in the data directory
//	    staged/…
//
// It is written under a name that begins with ".partial-", synced, and renamed last. A file
// that an earlier backup has is linked from there instead of being copied again.
//
// The running process offers a connection to its engine on a Unix socket in the data
// directory ([Listen]); where no process runs, Create opens the engine itself.
package backup
