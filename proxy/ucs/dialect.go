package ucs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Dialect is what is not known of UCS's HTTP interface, and was therefore chosen here. The zero
// value is the default. What is received is read in every form; these say what is sent.
type Dialect struct {
	Base64       Base64
	Sizes        Sizes
	ContentFirst bool // Content comes before the other members
	Reply        ReplyForm
	Faults       FaultForm
	FaultStatus  FaultStatus
	WithoutFlag  bool // GetDocument without IncludeBinaryContent has no content
	AnySize      bool // see Options
	OmitFlag     bool // GetDocument is asked for content by leaving IncludeBinaryContent out
	AddAtOnce    bool // see Client
	Interaction  bool // see Client
}

// Sizes is how TheSize is written.
type Sizes string

const (
	SizeNumber Sizes = "number"
	SizeString Sizes = "string"
)

// ReplyForm is where a reply has its members.
type ReplyForm string

const (
	ReplyFlat       ReplyForm = "flat"
	ReplyParameters ReplyForm = "parameters" // in the group Parameters, beside UserData
)

// FaultForm is where a fault has its members.
type FaultForm string

const (
	FaultFlat   FaultForm = "flat"
	FaultNested FaultForm = "nested" // in the group Fault
)

// FaultStatus is the HTTP status of a fault.
type FaultStatus string

const (
	FaultStatusHTTP FaultStatus = "http" // 400, 404, 503 …
	FaultStatusOK   FaultStatus = "ok"   // always 200
)

// NamedOption is a member of Dialect that is set by its name.
type NamedOption struct {
	Name    string
	Values  string // those that it may have
	Default string
	Help    string
	Source  string // D documented, O observed, I inferred, U unknown
	set     func(d *Dialect, value string) bool
}

// NamedOptions is the table of the options.
var NamedOptions = []NamedOption{
	choice(func(d *Dialect) *Base64 { return &d.Base64 }, NamedOption{
		Name: "base64", Help: "how we write Content; every variant is read",
		Source: "I: that it is base64; U: the variant",
	}, Base64Std, Base64URL, Base64Raw, Base64RawURL, Base64Lines),
	choice(func(d *Dialect) *Sizes { return &d.Sizes }, NamedOption{
		Name: "size", Help: "how we write TheSize; both are read",
		Source: "D: a 32-bit integer in ESP; U: in JSON",
	}, SizeNumber, SizeString),
	boolean(func(d *Dialect) *bool { return &d.ContentFirst }, NamedOption{
		Name: "content-first", Help: "write Content before the other members, whose order does not count when we read",
		Source: "U",
	}),
	choice(func(d *Dialect) *ReplyForm { return &d.Reply }, NamedOption{
		Name: "reply", Help: "served: where a reply has its members; both are read",
		Source: "D: a key/value document, and Parameters and UserData are merged for a few methods; U: for which",
	}, ReplyFlat, ReplyParameters),
	choice(func(d *Dialect) *FaultForm { return &d.Faults }, NamedOption{
		Name: "fault", Help: "served: where a fault has FaultCode, FaultString and ErrorDescription; both are read",
		Source: "D: the names, of EventError; U: their form in JSON",
	}, FaultFlat, FaultNested),
	choice(func(d *Dialect) *FaultStatus { return &d.FaultStatus }, NamedOption{
		Name: "fault-status", Help: "served: the HTTP status of a fault; both are read",
		Source: "U",
	}, FaultStatusHTTP, FaultStatusOK),
	boolean(func(d *Dialect) *bool { return &d.WithoutFlag }, NamedOption{
		Name: "without-flag-no-content", Help: "served: GetDocument without IncludeBinaryContent has no Content",
		Source: "I: it has, because the chat sample sets no flag and reads the content",
	}),
	boolean(func(d *Dialect) *bool { return &d.AnySize }, NamedOption{
		Name: "any-size", Help: "served: accept a TheSize that is not the length of the content; the document gets its length",
		Source: "U: whether UCS compares them; it does not check the MimeType (D)",
	}),
	boolean(func(d *Dialect) *bool { return &d.OmitFlag }, NamedOption{
		Name: "omit-flag", Help: "client: ask for content by leaving IncludeBinaryContent out, as the chat sample does, and not by true",
		Source: "D: the flag exists; I: its default; O: a plugin sends true",
	}),
	boolean(func(d *Dialect) *bool { return &d.AddAtOnce }, NamedOption{
		Name: "add-at-once", Help: "client: send the content with AddDocument. By default an empty document is added, and its content sent with UpdateDocument, which may be repeated, so that an answer that is lost leaves no second file",
		Source: "D: both methods, and that Content is not mandatory; U: whether any release refuses an empty document",
	}),
	boolean(func(d *Dialect) *bool { return &d.Interaction }, NamedOption{
		Name: "interaction-id", Help: "client: send the session's id as InteractionId, and link documents to sessions; only if each session is an interaction of that id in UCS",
		Source: "D: the reference requires it, and the sample for chat does not send it",
	}),
}

// SetNamed sets an option that is written NAME=VALUE.
func (d *Dialect) SetNamed(setting string) error {
	name, value, ok := strings.Cut(setting, "=")
	if !ok {
		return fmt.Errorf("%q has no value: write NAME=VALUE", setting)
	}
	i := slices.IndexFunc(NamedOptions, func(n NamedOption) bool { return n.Name == name })
	if i < 0 {
		return fmt.Errorf("%s is not an option of UCS: attache serve --help lists them", name)
	}
	if n := NamedOptions[i]; !n.set(d, value) {
		return fmt.Errorf("%s=%s: the values are %s", name, value, n.Values)
	}
	return nil
}

func choice[T ~string](field func(*Dialect) *T, n NamedOption, words ...T) NamedOption {
	var names []string
	for _, w := range words {
		names = append(names, string(w))
	}
	n.Default, n.Values = names[0], strings.Join(names, ", ")
	n.set = func(d *Dialect, value string) bool {
		*field(d) = T(value)
		return slices.Contains(words, T(value))
	}
	return n
}

func boolean(field func(*Dialect) *bool, n NamedOption) NamedOption {
	n.Default, n.Values = cmp.Or(n.Default, "false"), "true, false"
	n.set = func(d *Dialect, value string) bool {
		*field(d) = value == "true"
		return value == "true" || value == "false"
	}
	return n
}
