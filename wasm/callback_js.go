package main

import "github.com/hack-pad/safejs"

// callback is a function that JavaScript may call, until it is released.
type callback struct {
	page     *page
	fn       safejs.Func
	released bool
}

// callback makes one. It recovers a panic in f.
func (p *page) callback(f func(args []safejs.Value)) (*callback, error) {
	fn, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		p.client.Contain(func() { f(args) }, nil)
		p.reports.flush()
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.live++
	return &callback{page: p, fn: fn}, nil
}

func (c *callback) release() {
	if !c.released {
		c.released = true
		c.page.live--
		c.fn.Release()
	}
}
