package gms

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"attache/bridge"
	"attache/proxy/chatrequest"
)

// Options are those of a [Server]. Those from RestZero on have names; see [NamedOptions].
type Options struct {
	// Services are the chat services that a client may name in its path. Default: any name,
	// which is then the queue key.
	Services []Service

	// Admission says which clients may request a chat, and APIKeys are the keys for
	// [AdmitAPIKey]. Default: [AdmitOpen].
	Admission Admission
	APIKeys   []string

	// Requests stores each chat that is requested, so that an agent learns of it. Default: none does.
	Requests interface {
		Add(context.Context, chatrequest.Request) error
	}

	// Headers are more request headers that pages may send, such as those of an API gateway.
	Headers []string

	// EmailKey is the key of the user data that gets the parameter emailAddress: the one that the
	// transcript e-mail reads. Default: EmailAddress.
	EmailKey string

	// Alias is the name of the Chat Server instance in replies; clients send back the latest.
	// Default: 1.
	Alias string

	// BodyTime bounds the time that a request's parameters may take to arrive. Default: 30 s.
	BodyTime time.Duration

	CometD CometD // the interface that pushes; without a secret it is not served

	RestZero         Zero
	CometZero        Zero
	PositionIs       PositionIs
	WithoutEvents    WithoutEvents
	RequestChatPath  Allowed
	KeyInQuery       bool
	IdleTimer        IdleTimer
	NamesInData      Attached
	SystemIs         SystemIs
	AlwaysOK         bool
	ChatsPerMinute   int
	CodeFileTooLarge int
	CodeDownloads    int
	CodeNeedAgent    int
	CodeFileUnknown  int
	UploadWait       time.Duration // how long an upload's answer waits for the notice
	LimitsAtTop      bool          // the limits are in the reply's own user data too
	DownloadsByGet   bool
	DownloadsOK      bool // a failed download has HTTP status 200

	Files FileOptions

	Log *slog.Logger // default: discarded
}

// Service is a chat service, as the vendor's is configured by a section of GMS.
type Service struct {
	Name     string
	QueueKey string // tenant:endpoint, which routes its chats; empty: the name
}

// ParseService reads NAME or NAME=TENANT:ENDPOINT.
func ParseService(s string) (Service, error) {
	name, key, mapped := strings.Cut(s, "=")
	tenant, endpoint, both := strings.Cut(key, ":")
	switch {
	case name == "" || len(name) > maxServiceName || strings.ContainsFunc(name, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }):
		return Service{}, errors.New("a service's name has 1 to 64 characters and no slash: write NAME or NAME=TENANT:ENDPOINT")
	case mapped && (!both || tenant == "" || endpoint == "" || len(key) > 256):
		return Service{}, errors.New("a service's queue key is TENANT:ENDPOINT: write " + name + "=Environment:default")
	}
	return Service{Name: name, QueueKey: cmp.Or(key, name)}, nil
}

const maxServiceName = 64

// Zero says what transcriptPosition 0 asks for.
type Zero string

const (
	ZeroNone Zero = "none"
	ZeroAll  Zero = "all"
)

// PositionIs says what a transcriptPosition above 0 is.
type PositionIs string

const (
	PositionNext PositionIs = "next" // the index of the first message that is wanted
	PositionLast PositionIs = "last" // that of the last one that the client has
)

// WithoutEvents says what nextPosition is in a reply that no transcript was asked for in.
type WithoutEvents string

const (
	NextAfterLast WithoutEvents = "after-last"
	NextOmitted   WithoutEvents = "omitted"
)

// Allowed says whether something is accepted.
type Allowed string

const (
	Accept Allowed = "accept"
	Refuse Allowed = "refuse"
)

// Attached says whether something goes into the user data.
type Attached string

const (
	Attach    Attached = "attach"
	NotAttach Attached = "omit"
)

// IdleTimer says what idleTimerExpire counts.
type IdleTimer string

const (
	IdleSecondsLeft IdleTimer = "seconds-left"
	IdleSeconds     IdleTimer = "seconds"      // since 1970
	IdleMillis      IdleTimer = "milliseconds" // since 1970
	IdleHidden      IdleTimer = "hidden"
)

// SystemIs says how a party of type SYSTEM is called.
type SystemIs string

func (o Options) withDefaults() Options {
	NamedOptions.Preset(&o)
	o.Files.complete()
	o.Admission = cmp.Or(o.Admission, AdmitOpen)
	o.EmailKey = cmp.Or(o.EmailKey, "EmailAddress")
	o.BodyTime = cmp.Or(o.BodyTime, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// service returns the service of that name.
func (o *Options) service(name string) (Service, error) {
	for _, s := range o.Services {
		if s.Name == name {
			return Service{Name: name, QueueKey: cmp.Or(s.QueueKey, name)}, nil
		}
	}
	if len(o.Services) == 0 {
		if s, err := ParseService(name); err == nil && s.Name == name {
			return s, nil
		}
	}
	return Service{}, notFound("there is no chat service of that name", "compare the path with the services of --gms-service")
}

// position reads transcriptPosition: the first event of the transcript that the reply is to
// have, or 0 for none. zero is what 0 asks for at this front door.
func (o *Options) position(n int64, zero Zero) int64 {
	switch {
	case n == 0 && zero == ZeroAll:
		return 1
	case n > 0 && n < bridge.MaxInteger && o.PositionIs == PositionLast:
		return n + 1
	}
	return n
}

// next returns nextPosition of a reply.
func (o *Options) next(last, from int64) int64 {
	switch {
	case from == 0 && o.WithoutEvents == NextOmitted:
		return 0
	case o.PositionIs == PositionLast:
		return last
	}
	return last + 1
}

// idle returns idleTimerExpire of a session that closes at that time, in milliseconds.
func (o *Options) idle(expires int64, now time.Time) int64 {
	switch {
	case expires == 0 || o.IdleTimer == IdleHidden:
		return 0
	case o.IdleTimer == IdleSeconds:
		return expires / 1000
	case o.IdleTimer == IdleMillis:
		return expires
	}
	return max((expires-now.UnixMilli())/1000, 1)
}
