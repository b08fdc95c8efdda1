package client

// Word is what a session reports to its host.
type Word string

// The words. Each comes with the number of the call that it belongs to, or 0.
const (
	WordToken    Word = "token"    // get a token; its number goes back with it
	WordRefused  Word = "refused"  // the proxy refused the token; the application may have another one
	WordWelcome  Word = "welcome"  // connected
	WordState    Word = "state"    // reconnecting: the error, and when
	WordEvent    Word = "event"    // an event of the transcript
	WordLimits   Word = "limits"   // changed
	WordInfo     Word = "info"     // what is known of the chat session changed
	WordUpload   Word = "upload"   // an upload's new state
	WordProgress Word = "progress" // of an upload, or a download that waits for its scan
	WordDone     Word = "done"     // a call succeeded
	WordFail     Word = "fail"     // a call failed
	WordClosed   Word = "closed"   // the session has ended; the error, if that is why
)
