package bridge

import "strconv"

// fields is how a message describes itself, once, for both directions: a type
// names its members in wire order, and the visitor that implements this interface
// either writes them or takes them out of a parsed object. Bounds are part of
// the description, so a decoder cannot forget them.
type fields interface {
	text(key string, v *string, max int)           // required, not empty, at most max bytes
	optional(key string, v *string, max int)       // absent when empty
	receiver(key string, v *string)                // absent when empty, and refused if it is there and empty
	number(key string, v *int64)                   // required, 0 to 2^53-1
	count(key string, v *int64)                    // absent when 0
	limit(key string, v *int64)                    // absent when NoLimit
	signed(key string, v *int64)                   // absent when 0, in a string, because no number has a sign
	position(key string, v **int64, most *int64)   // absent when nil, 0 to *most
	flag(key string, v *bool)                      // absent when false
	texts(key string, v *[]string, items, max int) // absent when empty
	object(key string, v described, present *bool) // nested; required if present is nil
	// objects is a list, absent when empty; a decoder adds each object by next.
	objects(key string, each []described, most int, next func() described)
	data(key string, v *Data)                         // absent when empty
	choice(key string, v *string, allowed []string)   // required, one of the list
	choiceOr(key string, v *string, allowed []string) // absent when empty
}

// described is a type that crosses the wire.
type described interface{ fields(fields) }

// writer is the visitor that encodes.
type writer struct {
	out   []byte
	begun bool
}

func encode(out []byte, v described) []byte {
	w := writer{out: append(out, '{')}
	v.fields(&w)
	return append(w.out, '}')
}

func (w *writer) key(k string) {
	if w.begun {
		w.out = append(w.out, ',')
	}
	w.begun = true
	w.out = append(appendText(w.out, k), ':')
}

func (w *writer) text(k string, v *string, _ int) {
	w.key(k)
	w.out = appendText(w.out, *v)
}

func (w *writer) optional(k string, v *string, max int) {
	if *v != "" {
		w.text(k, v, max)
	}
}

func (w *writer) receiver(k string, v *string) { w.optional(k, v, maxID) }

func (w *writer) number(k string, v *int64) {
	w.key(k)
	w.out = strconv.AppendInt(w.out, *v, 10)
}

func (w *writer) count(k string, v *int64) {
	if *v != 0 {
		w.number(k, v)
	}
}

func (w *writer) limit(k string, v *int64) {
	if *v != NoLimit {
		w.number(k, v)
	}
}

func (w *writer) signed(k string, v *int64) {
	if *v != 0 {
		w.key(k)
		w.out = appendText(w.out, strconv.FormatInt(*v, 10))
	}
}

func (w *writer) position(k string, v **int64, _ *int64) {
	if *v != nil {
		w.number(k, *v)
	}
}

func (w *writer) flag(k string, v *bool) {
	if *v {
		w.key(k)
		w.out = append(w.out, "true"...)
	}
}

func (w *writer) texts(k string, v *[]string, _, _ int) {
	if len(*v) == 0 {
		return
	}
	w.key(k)
	w.out = append(w.out, '[')
	for i, s := range *v {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendText(w.out, s)
	}
	w.out = append(w.out, ']')
}

func (w *writer) object(k string, v described, present *bool) {
	if present != nil && !*present {
		return
	}
	w.key(k)
	w.out = encode(w.out, v)
}

func (w *writer) objects(k string, each []described, _ int, _ func() described) {
	if len(each) == 0 {
		return
	}
	w.key(k)
	w.out = append(w.out, '[')
	for i, v := range each {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = encode(w.out, v)
	}
	w.out = append(w.out, ']')
}

func (w *writer) data(k string, v *Data) {
	if len(*v) == 0 {
		return
	}
	w.key(k)
	w.out = v.append(w.out)
}

func (w *writer) choice(k string, v *string, _ []string) { w.text(k, v, 0) }

func (w *writer) choiceOr(k string, v *string, _ []string) { w.optional(k, v, 0) }

// reader is the visitor that decodes. It marks the members that it takes, and err
// keeps the first mistake.
type reader struct {
	members []member
	err     error
}

func decode(n node, v described) error {
	if n.kind != '{' {
		return invalid("an object was expected")
	}
	r := reader{members: n.members}
	v.fields(&r)
	if r.err != nil {
		return r.err
	}
	for _, m := range r.members {
		if !m.taken {
			return invalid("unknown key " + strconv.Quote(m.key))
		}
	}
	return nil
}

func (r *reader) fail(k, problem string) {
	if r.err == nil {
		r.err = invalid(strconv.Quote(k) + " " + problem)
	}
}

// take returns the value of that key; nil if it is absent.
func (r *reader) take(k string) *node {
	if r.err != nil {
		return nil
	}
	for i := range r.members {
		if m := &r.members[i]; m.key == k {
			m.taken = true
			return &m.value
		}
	}
	return nil
}

// takeKind returns the value of that key, which must be of that kind; nil if it is
// absent.
func (r *reader) takeKind(k string, kind byte, name string) *node {
	n := r.take(k)
	if n != nil && n.kind != kind {
		r.fail(k, "is not "+name)
		return nil
	}
	return n
}

func (r *reader) text(k string, v *string, max int) {
	r.optional(k, v, max)
	if *v == "" {
		r.fail(k, "is missing or empty")
	}
}

func (r *reader) optional(k string, v *string, max int) {
	*v = ""
	n := r.takeKind(k, '"', "a string")
	if n == nil {
		return
	}
	if len(n.str) > max {
		r.fail(k, "is longer than "+strconv.Itoa(max)+" bytes")
		return
	}
	*v = n.str
}

// receiver refuses an empty user id, which would make a private message public.
func (r *reader) receiver(k string, v *string) {
	*v = ""
	for _, m := range r.members {
		if m.key == k {
			r.text(k, v, maxID)
			return
		}
	}
}

func (r *reader) number(k string, v *int64) {
	*v = -1
	r.integer(k, v)
	if *v < 0 {
		r.fail(k, "is missing")
		*v = 0
	}
}

func (r *reader) count(k string, v *int64) {
	*v = 0
	r.integer(k, v)
}

func (r *reader) limit(k string, v *int64) {
	*v = NoLimit
	r.integer(k, v)
}

func (r *reader) signed(k string, v *int64) {
	*v = 0
	n := r.takeKind(k, '"', "a string")
	if n == nil {
		return
	}
	i, err := strconv.ParseInt(n.str, 10, 64)
	if err != nil || strconv.FormatInt(i, 10) != n.str {
		r.fail(k, "is not an integer in a string")
		return
	}
	*v = i
}

func (r *reader) position(k string, v **int64, most *int64) {
	*v = nil
	n := r.takeKind(k, '0', "a number")
	switch {
	case n == nil:
	case n.num > *most:
		r.fail(k, "is more than "+strconv.FormatInt(*most, 10))
	default:
		*v = &n.num
	}
}

func (r *reader) integer(k string, v *int64) {
	if n := r.takeKind(k, '0', "a number"); n != nil {
		*v = n.num
	}
}

func (r *reader) flag(k string, v *bool) {
	n := r.take(k)
	*v = n != nil && n.kind == 't'
	if n != nil && n.kind != 't' && n.kind != 'f' {
		r.fail(k, "is not true or false")
	}
}

func (r *reader) texts(k string, v *[]string, items, max int) {
	*v = nil
	n := r.takeKind(k, '[', "a list")
	if n == nil {
		return
	}
	if len(n.items) > items {
		r.fail(k, "has more than "+strconv.Itoa(items)+" entries")
		return
	}
	for _, item := range n.items {
		if item.kind != '"' || len(item.str) > max {
			r.fail(k, "has an entry that is not a string of at most "+strconv.Itoa(max)+" bytes")
			return
		}
		*v = append(*v, item.str)
	}
}

func (r *reader) object(k string, v described, present *bool) {
	n := r.takeKind(k, '{', "an object")
	if present != nil {
		*present = n != nil
	}
	switch {
	case n == nil && present == nil:
		r.fail(k, "is missing")
	case n != nil && r.err == nil:
		r.err = decode(*n, v)
	}
}

func (r *reader) objects(k string, _ []described, most int, next func() described) {
	n := r.takeKind(k, '[', "a list")
	if n == nil {
		return
	}
	if len(n.items) > most {
		r.fail(k, "has more than "+strconv.Itoa(most)+" entries")
		return
	}
	for _, item := range n.items {
		if err := decode(item, next()); r.err == nil {
			r.err = err
		}
	}
}

func (r *reader) data(k string, v *Data) {
	*v = nil
	if n := r.takeKind(k, '{', "an object"); n != nil {
		r.err = v.take(*n)
	}
}

func (r *reader) choice(k string, v *string, allowed []string) {
	r.choiceOr(k, v, allowed)
	if *v == "" {
		r.fail(k, "is missing")
	}
}

func (r *reader) choiceOr(k string, v *string, allowed []string) {
	r.optional(k, v, 64)
	if *v == "" {
		return
	}
	for _, a := range allowed {
		if a == *v {
			return
		}
	}
	r.fail(k, "is not one of its allowed values")
}
