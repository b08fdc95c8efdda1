package bridge

// Code names one reason for a refusal or a failure. The list is closed: the
// JavaScript types are generated from it (go generate), and docs/protocol.md
// explains each entry.
type Code string

// The codes, grouped by what they are about.
const (
	// The connection and its messages.
	CodeOffline      Code = "offline"
	CodeTokenInvalid Code = "token-invalid"
	CodeTokenExpired Code = "token-expired"
	CodeTokenEarly   Code = "token-early"
	CodeOrigin       Code = "origin-refused"
	CodeUpgrade      Code = "upgrade-missing"
	CodeBlocked      Code = "connection-blocked"
	CodeVersion      Code = "version-unsupported"
	CodeMessage      Code = "message-invalid"
	CodeMessageSize  Code = "message-too-large"
	CodeForbidden    Code = "forbidden"
	CodeTimeout      Code = "timeout"
	CodeBusy         Code = "busy"
	CodeInternal     Code = "internal"

	// The chat session.
	CodeSessionInvalid  Code = "session-invalid"
	CodeSessionEnded    Code = "session-ended"
	CodeNotJoined       Code = "not-joined"
	CodeParty           Code = "party-unknown"      // Chat Server's error 8201
	CodeLoggedOut       Code = "party-logged-out"   // 8209
	CodeSecureKey       Code = "secure-key-refused" // 8210
	CodeTakenOver       Code = "party-taken-over"
	CodePassword        Code = "password-refused"
	CodeCustomersOnly   Code = "customers-only"
	CodeNotice          Code = "notice-incomplete"
	CodeTextLength      Code = "text-too-long"
	CodeChatFull        Code = "chat-full"
	CodeChatUnavailable Code = "chat-unavailable"
	CodeTranscript      Code = "transcript-unknown"
	CodeMailAddress     Code = "mail-address-invalid"

	// Which files may be uploaded.
	CodeUploadsOff  Code = "uploads-off"
	CodeNeedAgent   Code = "agent-needed"
	CodeFileSize    Code = "file-too-large"
	CodeFileCount   Code = "too-many-files"
	CodeTotalSize   Code = "total-too-large"
	CodeFileType    Code = "type-refused"
	CodeNameInvalid Code = "name-invalid"
	CodeNameLength  Code = "name-too-long"
	CodeCustomKey   Code = "custom-key-refused"

	// An upload in progress.
	CodeFileUnreadable Code = "file-unreadable"
	CodeFileChanged    Code = "file-changed"
	CodeUploadUnknown  Code = "upload-unknown"
	CodeUploadConflict Code = "upload-conflict"
	CodeSuperseded     Code = "upload-superseded"
	CodeCancelled      Code = "cancelled"
	CodeFrame          Code = "frame-invalid"
	CodeFrameOffset    Code = "frame-out-of-order"
	CodeFrameChecksum  Code = "frame-checksum"
	CodeFrameLength    Code = "frame-beyond-size"
	CodeDigest         Code = "digest-mismatch"

	// The virus scanner.
	CodeInfected       Code = "infected"
	CodeUnscannable    Code = "unscannable"
	CodeScannerOffline Code = "scanner-unavailable"

	// The document store and downloads.
	CodeStorageFull        Code = "storage-full"
	CodeStorageUnavailable Code = "storage-unavailable"
	CodeDocument           Code = "document-unknown"
	CodeLibrary            Code = "library-missing"
	CodeFileUnknown        Code = "file-unknown"
	CodeFileForeign        Code = "file-foreign"
	CodeDownloads          Code = "downloads-used-up"
	CodeTicketInvalid      Code = "ticket-invalid"
	CodeTicketExpired      Code = "ticket-expired"
	CodeIntercepted        Code = "download-intercepted"
	CodeDownloadMismatch   Code = "download-mismatch"
	CodeDocumentChanged    Code = "document-changed"
	CodeDownloadBlocked    Code = "download-blocked"
)

// A Rule is a catalogue entry: the sentence shown when nothing more exact is
// known, what a person can do about it, and whether the same call may succeed later.
type Rule struct {
	Code    Code
	Message string
	Hint    string
	Retry   bool
}

// Rules is the catalogue, in the order of the documentation.
var Rules = []Rule{
	{CodeOffline, "the connection to the file service is down", "wait for it to come back, or check the network", true},
	{CodeTokenInvalid, "the token was not accepted", "ask the application for a new token", false},
	{CodeTokenExpired, "the token has expired", "ask the application for a new token", true},
	{CodeTokenEarly, "the token is not valid yet", "try again in a moment, and compare the clocks of the proxy and of the server that issues tokens", true},
	{CodeOrigin, "this page's origin is not on the proxy's list", "add the origin to the proxy's --origin option", false},
	{CodeUpgrade, "a server on the way does not pass WebSockets on", "ask the operator to have it pass on the headers Upgrade and Connection", false},
	{CodeBlocked, "the browser does not let this page connect", "ask the page's developer to look at the browser's console", false},
	{CodeVersion, "page and proxy speak different protocol versions", "reload the page, or install the matching version", false},
	{CodeMessage, "a message could not be understood", "use the module and the proxy of one release", false},
	{CodeMessageSize, "a message is larger than allowed", "send a shorter text or fewer custom keys", false},
	{CodeForbidden, "the token does not give the right to do this", "ask the application for a token with that right", false},
	{CodeTimeout, "the other side did not answer in time", "try again", true},
	{CodeBusy, "the service has too much to do", "try again in a moment", true},
	{CodeInternal, "something went wrong inside the file service", "try again, and report the id if it happens again", true},

	{CodeSessionInvalid, "the chat session's id is not valid", "use 1 to 64 letters, digits, hyphens and underscores", false},
	{CodeSessionEnded, "the chat session has ended", "start a new chat session", false},
	{CodeNotJoined, "the party is not in the chat session", "connect to the session first", true},
	{CodeParty, "there is no such party in this chat", "choose a party of this chat that you can see", false},
	{CodeLoggedOut, "the party has left the chat session", "connect again with a token for the party", false},
	{CodeSecureKey, "the party's secure key was not accepted", "ask the application for the party's current key", false},
	{CodeTakenOver, "another page has attached as this party", "nothing to do", false},
	{CodePassword, "the chat session's password was not accepted", "ask the application for a token with the session's password", false},
	{CodeCustomersOnly, "only customers take part through GMS", "use the vendor's desktop for agents and supervisors, or a proxy that is not behind a GMS", false},
	{CodeNotice, "a file-uploaded notice lacks a mandatory key", "send file-name, file-size, file-source and file-document-id", false},
	{CodeTextLength, "the text is too long", "send it in parts", false},
	{CodeChatFull, "this party may add nothing more to this chat", "start a new chat, or ask the agent for another way", false},
	{CodeChatUnavailable, "the chat server cannot be reached", "wait for it to come back", true},
	{CodeTranscript, "there is no transcript of this chat session", "check the session's id; transcripts are kept for a limited time", false},
	{CodeMailAddress, "this is not an e-mail address that the transcript can be sent to", "use one address, such as name@example.com", false},

	{CodeUploadsOff, "sending files is switched off in this chat", "ask the operator to allow it", false},
	{CodeNeedAgent, "files can be sent once an agent has joined", "wait for an agent and try again", true},
	{CodeFileSize, "the file is larger than allowed", "send a smaller file", false},
	{CodeFileCount, "no more files may be sent in this chat", "ask the agent for another way", false},
	{CodeTotalSize, "the files of this chat together are larger than allowed", "send a smaller file", false},
	{CodeFileType, "files of this type may not be sent", "choose a file of an allowed type", false},
	{CodeNameInvalid, "the file has no usable name", "rename the file", false},
	{CodeNameLength, "the file's name is longer than 256 characters", "rename the file", false},
	{CodeCustomKey, "a custom key is not allowed", "use short keys that do not begin with file-", false},

	{CodeFileUnreadable, "the file could not be read", "check that it still exists and may be read, then choose it again", false},
	{CodeFileChanged, "the file changed while it was being sent", "choose it again", false},
	{CodeUploadUnknown, "there is no such upload", "send the file again", true},
	{CodeUploadConflict, "this key belongs to another upload", "send the file with a new key", false},
	{CodeSuperseded, "the upload is continued on another connection", "nothing to do", true},
	{CodeCancelled, "the upload was cancelled", "send the file again if it is still wanted", false},
	{CodeFrame, "a piece of the file arrived malformed", "use the module and the proxy of one release", false},
	{CodeFrameOffset, "a piece of the file arrived out of order", "the upload continues at the offset that was stored", true},
	{CodeFrameChecksum, "a piece of the file arrived damaged", "the upload continues at the offset that was stored", true},
	{CodeFrameLength, "more bytes arrived than the file was announced with", "choose the file again", false},
	{CodeDigest, "the file that arrived is not the one announced", "choose the file again", false},

	{CodeInfected, "the virus scanner found something in the file", "do not send this file", false},
	{CodeUnscannable, "the virus scanner cannot look inside the file", "send it without encryption or as another type", false},
	{CodeScannerOffline, "the virus scanner cannot be reached", "the file waits; nothing to do", true},

	{CodeStorageFull, "the document store is full", "try again later, and tell the operator", true},
	{CodeStorageUnavailable, "the document store cannot be reached", "wait for it to come back", true},
	{CodeDocument, "the document does not exist", "it may have been removed", false},
	{CodeLibrary, "there are no standard responses here", "ask the operator to set up a library", false},
	{CodeFileUnknown, "there is no such file in this chat", "choose a file of this chat's transcript", false},
	{CodeFileForeign, "the file is in a store that cannot be read from here", "ask the sender for another way", false},
	{CodeDownloads, "no more downloads are allowed in this chat", "ask the agent for another way to get the file", false},
	{CodeTicketInvalid, "the download link is not valid", "ask for a new link", false},
	{CodeTicketExpired, "the download link has expired", "ask for a new link", true},
	{CodeIntercepted, "something else answered in place of the file service", "sign in to the network or the site again, then try again", true},
	{CodeDownloadMismatch, "what arrived is not the file that was announced", "try again, or ask the sender to send it again", true},
	{CodeDocumentChanged, "the file changed while it was being downloaded", "try again to get the one that is there now", true},
	{CodeDownloadBlocked, "this page is in a frame that may not save files", "open the chat in a window of its own, or ask for allow-downloads in the frame's sandbox", false},
}

// Rule returns the catalogue entry of c; an unlisted code counts as internal.
func (c Code) Rule() Rule {
	internal := Rule{}
	for _, r := range Rules {
		switch r.Code {
		case c:
			return r
		case CodeInternal:
			internal = r
		}
	}
	return internal
}

// ErrorID returns the id of Chat Server's error that c stands for; 0 if none is known to.
func (c Code) ErrorID() int64 {
	switch c {
	case CodeParty:
		return 8201
	case CodeLoggedOut:
		return 8209
	case CodeSecureKey:
		return 8210
	}
	return 0
}
