package main

import (
	"math"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// arguments are the values that JavaScript called a function with. They are copied out
// by type; the first of a wrong type fails the call. No object is inspected: the
// runtime catches what a function throws that Go calls, but not what a getter
// throws, and that would end the program.
type arguments struct {
	values []safejs.Value
	next   int
	err    error
}

func (a *arguments) take(kind safejs.Type) safejs.Value {
	if a.next >= len(a.values) || a.values[a.next].Type() != kind {
		a.fail()
		return safejs.Undefined()
	}
	a.next++
	return a.values[a.next-1]
}

func (a *arguments) fail() {
	if a.err == nil {
		a.err = bridge.NewError(bridge.CodeMessage, "an argument is missing or of another type than it should be")
	}
}

func (a *arguments) text() string {
	v := a.take(safejs.TypeString)
	if a.err != nil {
		return ""
	}
	s, err := v.String()
	if err != nil {
		a.fail()
	}
	return s
}

// integer takes a whole number from 0 to 2^53-1.
func (a *arguments) integer() int64 {
	v := a.take(safejs.TypeNumber)
	if a.err != nil {
		return 0
	}
	f, err := v.Float()
	if err != nil || f < 0 || f > bridge.MaxInteger || f != math.Trunc(f) {
		a.fail()
		return 0
	}
	return int64(f)
}

func (a *arguments) flag() bool {
	v := a.take(safejs.TypeBoolean)
	if a.err != nil {
		return false
	}
	b, err := v.Bool()
	if err != nil {
		a.fail()
	}
	return b
}

func (a *arguments) function() safejs.Value { return a.take(safejs.TypeFunction) }

func (a *arguments) object() safejs.Value { return a.take(safejs.TypeObject) }

// data takes a collection as JSON; an empty text is an empty one.
func (a *arguments) data() (d bridge.Data) {
	text := a.text()
	if a.err == nil && text != "" {
		a.err = d.UnmarshalJSON([]byte(text))
	}
	return d
}

// pairs takes all remaining arguments, keys and values alternating.
func (a *arguments) pairs() bridge.Data {
	var d bridge.Data
	for a.err == nil && a.next < len(a.values) && len(d) <= bridge.MaxItems {
		key := a.text()
		d = append(d, bridge.Text(key, a.text()))
	}
	return d
}
