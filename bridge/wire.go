package bridge

// Version is the release. The build sets it with -ldflags "-X"; a plain go
// build says "dev".
var Version = "dev"

// Subprotocol is the WebSocket subprotocol of both sockets, and its version:
// a proxy that does not offer it speaks another.
const Subprotocol = "attache.v1"

// The proxy's paths, below where it is mounted.
const (
	PathChat = "/attache/chat" // the session's socket: JSON messages both ways
	PathData = "/attache/data" // the data socket: hello and frames up, acks down
	PathFile = "/attache/file" // downloads: /attache/file/<ticket>/<name>
	PathWhy  = "/attache/why"  // what a page may know of a dial that failed: JSON
)

// What a message may have, in bytes.
const (
	MaxHello   = 4 << 10  // the first message, before anybody is known
	MaxMessage = 32 << 10 // every other JSON message
)

// The session's socket. The page speaks first.
//
//	page → proxy
//	hello    token, position, clientVersion      who I am, and the last event I have
//	say      ref, text, visibility               a text message                        → done | fail
//	offer    key, name, size, …                  a file, or the rest of one            → accept | fail
//	cancel   key                                 take an upload back                   → upload
//	ask      ref, file, attempt                  a download                            → ticket | fail
//	leave    ref, after                          leave the chat session                → done | fail
//	ping     ref                                 is anybody there                      → done
//
//	proxy → page
//	welcome  session, party, limits, rights, …   the answer to hello
//	event    event                               something in the transcript
//	accept   key, offset                         go on from there
//	upload   key, state, file, error             an upload changed
//	ticket   ref, path, expires                  where to fetch the file
//	done     ref, event                          it is done
//	fail     ref | key, error                    it is refused, or failed
//	limits   limits                              allowances, or what is used of them, changed
//	bye      after                               come back in so many milliseconds
//
// The data socket:
//
//	hello    token                               page → proxy, then frames only (frame.go)
//	ready    maxFrame                            proxy → page
//	ack      key, stored, held                   so many bytes are durable
//	fail     key, error                          this upload cannot go on here
const (
	typeHello   = "hello"
	typeSay     = "say"
	typeOffer   = "offer"
	typeCancel  = "cancel"
	typeAsk     = "ask"
	typeLeave   = "leave"
	typePing    = "ping"
	typeWelcome = "welcome"
	typeEvent   = "event"
	typeAccept  = "accept"
	typeUpload  = "upload"
	typeTicket  = "ticket"
	typeDone    = "done"
	typeFail    = "fail"
	typeLimits  = "limits"
	typeBye     = "bye"
	typeReady   = "ready"
	typeAck     = "ack"
)
