package bridge

// UploadState is an upload's state. The proxy's record holds it, and the page is
// notified of each change.
type UploadState string

// The states, in their order. What each promises:
const (
	Offered   UploadState = "offered"   // the record is durable, no byte is needed yet
	Receiving UploadState = "receiving" // bytes arrive; what is acked is durable
	Accepted  UploadState = "accepted"  // every byte and the intent are durable: the tab may close
	Scanning  UploadState = "scanning"  // the scanner reads it
	Stored    UploadState = "stored"    // the document store has it whole
	Announced UploadState = "announced" // the notice is in the transcript
	Failed    UploadState = "failed"    // it will never be announced; the code says why
	Cancelled UploadState = "cancelled" // the sender cancelled it; the bytes are removed
)

// UploadStates is the closed list.
var UploadStates = []UploadState{Offered, Receiving, Accepted, Scanning, Stored, Announced, Failed, Cancelled}

var stateNames = names(UploadStates)

// Final reports whether the state never changes again.
func (s UploadState) Final() bool { return s == Announced || s == Failed || s == Cancelled }

// Incoming reports whether bytes may still arrive.
func (s UploadState) Incoming() bool { return s == Offered || s == Receiving }

// Complete reports whether every byte has arrived and is durable.
func (s UploadState) Complete() bool { return !s.Incoming() && s != Failed && s != Cancelled }

// May reports whether an upload may change from s to next. It may enter the same
// state again, because every step may be repeated, and it may fail in any state that
// is not final. Once accepted, only the delivery loop advances it.
func (s UploadState) May(next UploadState) bool {
	if s.Final() {
		return false
	}
	if s == next || next == Failed {
		return true
	}
	switch s {
	case Offered:
		return next == Receiving || next == Accepted || next == Cancelled
	case Receiving:
		return next == Accepted || next == Cancelled
	case Accepted:
		return next == Scanning || next == Stored || next == Announced || next == Cancelled
	case Scanning:
		return next == Stored || next == Announced || next == Cancelled
	case Stored:
		return next == Announced
	}
	return false
}
