package bugs

import "go/token"

// plainFiles are the bugs of the files store: first those that only a lost power supply
// shows or only callers at once, then those that kills show.
var plainFiles = []Bug{
	{
		Name: "skip-the-sync", Does: "a frame is acknowledged though its bytes are only in the kernel's cache",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "content.flush", Around(Mention(".Sync"), "_ = $x")}},
	},
	{
		Name: "skip-the-directory", Does: "a frame is acknowledged though its file's name is only in the kernel's cache",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "content.flush", Around(Mention(".days"), "return nil")}},
	},
	{
		Name: "skip-the-new-day", Does: "a frame is acknowledged though its directory's name is only in the kernel's cache",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "days.ensure", Replace(Call(".sync"), "error(nil)")}},
	},
	{
		Name: "settle-without-the-directory", Does: "a document is settled though its name is only in the kernel's cache",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "Store.Settle", Replace(Call(".sync"), "error(nil)")}},
	},
	{
		Name: "ack-before-the-sync", Does: "a frame is acknowledged a moment before its sync",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{
			{"proxy/files", "content.round", Before(Call("flush"), "$r.plantedAck(batch)\nbatch = batch[:0]")},
			{"proxy/files", "planted_ack.go", File(ackBeforeSync)},
		},
	},
	{
		Name: "cut-too-far", Does: "after a failed sync, bytes that were acknowledged are cut off too",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "content.repair", Replace(Argument(1, ".Truncate"), "$x / 2")}},
	},
	{
		Name: "retry-a-failed-sync", Does: "a sync that has failed is repeated, and its second answer believed",
		Store: Files, Judge: ModelDisk,
		Changes: []Change{{"proxy/files", "content.flush", After(Call(".Wait"), "if err != nil {\nerr = file.Sync()\n}")}},
	},
	{
		Name: "write-though-superseded", Does: "a writer still writes after another has begun",
		Store: Files, Judge: Suite,
		Changes: []Change{{"proxy/files", "writer.append", Replace(Comparison(token.NEQ, "owner"), "false && $x")}},
	},
	{
		Name: "cut-below-the-acked", Does: "after a restart, bytes that were acknowledged are cut off too",
		Store: Files, Shows: []string{"regressed"},
		Changes: []Change{{"proxy/files", "content.trust", Before(Comparison(token.GEQ, "acked"), "if $4 > 0 {\n$4 /= 2\n}")}},
		Trial:   Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "name-before-accepting", Does: "a file can be read as soon as all of it is stored, before it is accepted",
		Store: Files, Shows: []string{"exposed"},
		Changes: []Change{{"proxy/files", "content.flush", After(Call(".Wait"), "if whole && err == nil {\nerr = disk.Rename($r.paths.part, $r.paths.document)\n}")}},
	},
	{
		Name: "announce-half", Does: "an upload is accepted when half of it is there, and the store does not compare sizes",
		Store: Files, Shows: []string{"corrupted", "premature", "lost"},
		Changes: []Change{
			{"proxy", "upload.append", Replace(Comparison(token.EQL, "size"), "$left >= $right/2")},
			{"proxy/files", "content.add", Delete(Call("verify"))},
		},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "sweep-what-is-linked", Does: "a sweep deletes days that are kept, with files whose notices are kept",
		Store: Files, Shows: []string{"lost", "premature"},
		Changes: []Change{
			{"proxy/files", "due", Replace(Comparison(token.LSS, "before"), "(true || $x)")},
			{"proxy/files", "Store.sweepDay", Replace(Comparison(token.GTR, "len"), "false && $x")},
		},
	},
}
