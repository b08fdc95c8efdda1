package bridge

import "strconv"

// A Wire message is one of the structs below; wire.go says which side sends which.
type Wire interface {
	described
	kind() string
}

// AppendMessage appends m as JSON.
func AppendMessage(out []byte, m Wire) []byte {
	w := writer{out: append(out, '{')}
	kind := m.kind()
	w.text("type", &kind, 0)
	m.fields(&w)
	return append(w.out, '}')
}

// FromPage reads a message that a page may send. An error has code message-invalid
// or message-too-large and says what is wrong.
func FromPage(in []byte) (Wire, error) { return parseMessage(in, pageMessage) }

// RefOf returns the ref of a message that [FromPage] has refused, so that the refusal can name
// the request; 0 if it cannot be read.
func RefOf(in []byte) int64 {
	if len(in) > MaxMessage {
		return 0
	}
	n, err := parse(in)
	if err != nil || n.kind != '{' || len(n.members) == 0 || n.members[0].key != "type" || pageMessage(n.members[0].value.str) == nil {
		return 0
	}
	for _, m := range n.members {
		if m.key == "ref" {
			return m.value.num // 0 if it is not a number
		}
	}
	return 0
}

// FromProxy reads a message that a proxy may send.
func FromProxy(in []byte) (Wire, error) { return parseMessage(in, proxyMessage) }

func parseMessage(in []byte, known func(kind string) Wire) (Wire, error) {
	if len(in) > MaxMessage {
		return nil, NewError(CodeMessageSize, "a message has more than "+Bytes(MaxMessage))
	}
	n, err := parse(in)
	if err != nil {
		return nil, err
	}
	if n.kind != '{' || len(n.members) == 0 || n.members[0].key != "type" || n.members[0].value.kind != '"' {
		return nil, invalid(`a message is an object whose first key is "type"`)
	}
	kind := n.members[0].value.str
	m := known(kind)
	if m == nil {
		return nil, invalid("unknown message type " + strconv.Quote(kind))
	}
	n.members = n.members[1:]
	if err := decode(n, m); err != nil {
		return nil, err
	}
	return m, nil
}

func pageMessage(kind string) Wire {
	switch kind {
	case typeHello:
		return new(Hello)
	case typeSay:
		return new(Say)
	case typeNotify:
		return new(Notify)
	case typeFind:
		return new(Find)
	case typeOffer:
		return new(Offer)
	case typeCancel:
		return new(Cancel)
	case typeAsk:
		return new(Ask)
	case typeLeave:
		return new(Leave)
	case typePing:
		return new(Ping)
	}
	return nil
}

func proxyMessage(kind string) Wire {
	switch kind {
	case typeWelcome:
		return new(Welcome)
	case typeEvent:
		return new(EventAdded)
	case typeAccept:
		return new(Accept)
	case typeUpload:
		return new(Upload)
	case typeScanning:
		return new(Scan)
	case typeTicket:
		return new(Ticket)
	case typeFound:
		return new(Found)
	case typeDone:
		return new(Done)
	case typeFail:
		return new(Fail)
	case typeLimits:
		return new(LimitsChanged)
	case typeSession:
		return new(SessionChanged)
	case typeBye:
		return new(Bye)
	case typeReady:
		return new(Ready)
	case typeAck:
		return new(Ack)
	}
	return nil
}

// list describes a list of objects, absent when empty.
func list[T any, P interface {
	*T
	described
}](f fields, key string, v *[]T, most int) {
	var each []described
	for i := range *v {
		each = append(each, P(&(*v)[i]))
	}
	f.objects(key, each, most, func() described {
		*v = append(*v, *new(T))
		return P(&(*v)[len(*v)-1])
	})
}

// nested describes an object that may be absent.
func nested[T any, P interface {
	*T
	described
}](f fields, key string, v **T) {
	inner, present := *v, *v != nil
	if !present {
		inner = new(T)
	}
	f.object(key, P(inner), &present)
	// Assigning only on a change keeps encoding free of races, because several
	// goroutines send one event value.
	switch {
	case !present && *v != nil:
		*v = nil
	case present && *v == nil:
		*v = inner
	}
}
