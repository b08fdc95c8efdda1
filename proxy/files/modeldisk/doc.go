// Package modeldisk is a model of a disk that loses power, for tests of package files. It
// holds what programs see (the page cache) beside what is durable. After a power loss, Reopen
// returns a disk with one of the states that may have survived; after the kill of a process,
// Restart returns it with everything. So a kill cannot show a missing Sync, and a model can.
//
// A model shows nothing that it does not assume. It assumes, because ext4, xfs and APFS
// promise it, on drives that obey a flush:
//
//  1. After Sync, the bytes and the length of the file survive.
//  2. After SyncDir, the names in that directory survive as they were. A rename between two
//     directories survives after SyncDir of both.
//  3. A rename is atomic: a file has its old name or its new one, never both and never
//     neither. A file that is replaced is there until the other one is.
//  4. Changes of one name, or of the names of one file, survive in order: none without those
//     before it.
//  5. A sector of 512 bytes is written whole or not at all. A lost write does no harm to
//     other sectors, nor to the synced bytes that it only repeats in its own sector.
//  6. An operation that failed changed nothing, except Write and Sync.
//  7. After a SyncDir failed, nothing can be changed until the machine restarts: the journal
//     could not be written.
//  8. A file whose last name is gone can be used as long as it is open.
//
// It does not assume, although some file systems promise it:
//
//  9. That Sync makes any name durable (ext4 and xfs do it for a new file).
//  10. That SyncDir makes the directory's own name durable, or bytes of the files in it.
//  11. That changes of different names survive in order (a journal does it): any of them may
//     survive, without those before it.
//  12. That a rename writes the file's bytes (ext4 does it for one that replaces a file).
//  13. That unsynced bytes survive in order, or with the length. Each sector may have any
//     content that it had since the last Sync, the length may be any of those since then, and
//     the bytes between that were not written are zeros or garbage (ext4 with
//     data=writeback). An unsynced Truncate is lost or survives like any write.
//  14. That bytes survive, or can be read, after a Sync that failed: each sector may have
//     been written or not, reads return either content, and the next Sync succeeds without
//     writing them. ext4 and xfs behave so, Btrfs shows the old bytes (Rebello et al., "Can
//     Applications Recover from fsync Failures?", USENIX ATC 2020).
//
// It does not model: bit rot, drives that ignore a flush, hard and symbolic links, times and
// permissions, and two programs that use one directory.
package modeldisk
