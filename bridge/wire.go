package bridge

// Version is the release. The build sets it with -ldflags "-X"; a plain go
// build says "dev".
var Version = "dev"

// Subprotocol is the WebSocket subprotocol of both sockets, with its version:
// a proxy that does not offer it speaks another version.
const Subprotocol = "attache.v1"

// The proxy's paths, below where it is mounted.
const (
	PathChat = "/attache/chat" // the session's socket: JSON messages both ways
	PathData = "/attache/data" // the data socket: hello and frames up, acks down
	PathFile = "/attache/file" // downloads: /attache/file/<ticket>/<name>
	PathWhy  = "/attache/why"  // why a dial failed: JSON
)

// QueryData is added to PathData by a page that knows what a Ready may have beyond its
// MaxFrame. A proxy of an earlier release ignores it; it would refuse a Hello with one
// more member. A page without it gets a Ready that pages of an earlier release know.
const QueryData = "?frames=2"

// The longest messages, in bytes.
const (
	MaxHello   = 4 << 10  // the first message, before the peer is known
	MaxMessage = 32 << 10 // every other JSON message
)

// The session's socket. The page speaks first.
//
//	page → proxy
//	hello    token, position, clientVersion      who I am, and the last event I have   → welcome | fail
//	say      ref, text, visibility               a text message                        → done | fail
//	notify   ref, notice, text, data, …          a notice: typing, a URL, a deletion   → done | fail
//	find     ref, words, after                   search the standard responses         → found | fail
//	offer    key, name, size, …                  a file, or the rest of one            → accept | fail
//	cancel   key                                 take an upload back                   → upload
//	ask      ref, file, attempt                  a download                            → scanning, ticket | fail
//	leave    ref, after                          leave the chat session                → done | fail
//	ping     ref                                 are you there                         → done
//
//	proxy → page
//	welcome  session, party, limits, rights, …   the answer to hello
//	event    event                               an event of the transcript
//	accept   key, offset                         send from this offset on
//	upload   key, state, event, error            an upload changed
//	scanning ref                                 ticket or fail follows
//	ticket   ref, path, expires                  where to fetch the file
//	found    ref, responses, more                standard responses
//	done     ref, event                          the request succeeded
//	fail     ref | key, error                    the request was refused, or failed
//	limits   limits                              a limit, or its use, changed
//	session  idleExpires, saved, monitored       what welcome said of the session changed
//	bye      after                               reconnect in so many milliseconds
//
// The data socket:
//
//	hello    token                               page → proxy, then frames only (frame.go)
//	ready    maxFrame, offers, unchecked         proxy → page
//	ack      key, stored, held                   so many bytes are durable
//	fail     key, error                          this upload cannot continue here
const (
	typeHello    = "hello"
	typeSay      = "say"
	typeNotify   = "notify"
	typeFind     = "find"
	typeFound    = "found"
	typeOffer    = "offer"
	typeCancel   = "cancel"
	typeAsk      = "ask"
	typeLeave    = "leave"
	typePing     = "ping"
	typeWelcome  = "welcome"
	typeEvent    = "event"
	typeAccept   = "accept"
	typeUpload   = "upload"
	typeScanning = "scanning"
	typeTicket   = "ticket"
	typeDone     = "done"
	typeFail     = "fail"
	typeLimits   = "limits"
	typeSession  = "session"
	typeBye      = "bye"
	typeReady    = "ready"
	typeAck      = "ack"
)
