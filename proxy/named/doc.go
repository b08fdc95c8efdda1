// Package named sets options by their names. A system of the vendor's that we play leaves many
// choices open: what its documentation does not say, an installation may know better. Each
// choice is a row of a [Table], with what it means and how certain it is, and a command's flag,
// its help and the documentation are made from that one table.
//
//	var table = named.Table[Options]{Of: "Chat Server", Rows: []named.Option[Options]{
//		named.Bool(func(o *Options) *bool { return &o.RotateKeys }, named.Option[Options]{
//			Name: "secure-key-rotates", Help: "…", Source: "U: …",
//		}),
//	}}
//	err := table.Set(&o, "secure-key-rotates=true")
package named
