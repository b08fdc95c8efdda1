package main

import "github.com/hack-pad/safejs"

// callback makes a function that JavaScript may call; f is taken as a turn. Who
// asked for it must release it.
func (p *page) callback(f func(args []safejs.Value)) (*callback, error) {
	fn, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		p.turns.run(func() { f(args) }, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.live++
	return &callback{page: p, fn: fn}, nil
}

type callback struct {
	page     *page
	fn       safejs.Func
	released bool
}

func (c *callback) release() {
	if !c.released {
		c.released = true
		c.page.live--
		c.fn.Release()
	}
}
