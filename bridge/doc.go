// Package bridge is what both ends of Attaché share: every message that crosses
// its sockets, and every rule that page and proxy must apply alike. It is pure
// Go without I/O; the same code runs in the browser's WebAssembly module and in
// the proxy.
//
// # The life of a file, in this package's terms
//
// A page connects with a [Hello] that carries a token and gets a [Welcome]: its
// [Party], [Rights] and [Limits]. Then each [EventAdded] brings one [Event] of the
// transcript, first the history and then new ones.
//
// To send a file the page makes a [Key], checks the name and size with
// [Limits.Check], and sends an [Offer]. The proxy checks it with the same function
// and answers [Accept] with the offset it holds: 0 for a new key, more for one
// it knows. On the second socket the page's [Sender] says how long the next
// piece may be; each is sent as a [Frame] with its CRC32C, and each [Ack] reports
// how many bytes are durable. That number is credit, progress and resume point.
//
// With the last byte the upload is [Accepted]; from there its [UploadState]
// advances without the page. When the store has the document, the proxy posts
// the [Announcement]'s notice: NoticeType [SystemCommand], text [FileUploaded],
// and the keys of the vendor's table. Chat Server gives the file its file-id and
// shows the notice to every party that may see it ([Party.Sees]); [DecodeFile]
// turns it back into a [File], whose [Name] is safe to show and whose [Kind]
// picks an icon.
//
// To fetch it, a page sends [Ask] and gets a [Ticket].
//
// # Reading order
//
// wire.go names the messages, pagemessage.go and proxymessage.go have their members, frame.go the binary
// layout. fields.go explains how a message describes itself once for both
// directions, json.go why the codec is our own. codes.go is the closed list of
// error codes. The rest is one noun a file.
package bridge

//go:generate go run ./gen
