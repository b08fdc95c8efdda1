package bugs

// objects are the bugs of the objects store. Kills of its node show them.
var objects = []Bug{
	{
		Name: "ack-before-the-node", Does: "a frame is acknowledged when it is on its way to the node",
		Store: Objects, Shows: []string{"regressed"},
		Changes: []Change{{"proxy/objects", "writer.append", Before(Call("enqueue"), "c.onDurable = nil\nif $2 != nil {\ngo $2($r.sent.size, nil)\n}")}},
		Trial:   Trial{Moment: Acked, MinSize: 1 << 20},
	},
}
