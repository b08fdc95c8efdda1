package main

import (
	"github.com/hack-pad/safejs"

	"attache/wasm/client"
)

// reports are what the sessions have reported in this task and JavaScript has not been told:
// what comes together crosses the border together, in one call for each session. The arguments
// are triples: a word, a call's number and a JSON text.
type reports struct {
	of     []safejs.Value // the sessions' functions, in the order of their first report
	values [][]any
}

func (r *reports) add(report safejs.Value, w client.Word, call int64, text []byte) {
	for i := range r.of {
		if r.of[i].Equal(report) {
			r.values[i] = append(r.values[i], string(w), call, string(text))
			return
		}
	}
	r.of = append(r.of, report)
	r.values = append(r.values, []any{string(w), call, string(text)})
}

// flush tells JavaScript. It is called at the end of every task; what is reported meanwhile,
// because JavaScript calls back, is told by that call.
func (r *reports) flush() {
	of, values := r.of, r.values
	r.of, r.values = nil, nil
	for i := range of {
		if _, err := of[i].Invoke(values[i]...); err != nil {
			logError("the page's side of a session failed: " + err.Error())
		}
	}
}
