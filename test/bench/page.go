package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// page is one tab. The page itself does all timing.
type page struct {
	devtools *devtools
	target   string
	session  string
	context  string // browser context, "" for the default one
}

// open makes a tab and waits until address has loaded in it. fresh gives it a
// browser context of its own: an empty HTTP cache and no compiled code.
func (c *chromium) open(ctx context.Context, address string, fresh bool) (*page, error) {
	p := &page{devtools: c.devtools}
	if fresh {
		var made struct {
			ID string `json:"browserContextId"`
		}
		if err := c.devtools.call(ctx, "", "Target.createBrowserContext", nil, &made); err != nil {
			return nil, err
		}
		p.context = made.ID
	}
	var target struct {
		ID string `json:"targetId"`
	}
	params := map[string]any{"url": "about:blank"}
	if p.context != "" {
		params["browserContextId"] = p.context
	}
	if err := c.devtools.call(ctx, "", "Target.createTarget", params, &target); err != nil {
		return nil, err
	}
	p.target = target.ID
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := c.devtools.call(ctx, "", "Target.attachToTarget",
		map[string]any{"targetId": p.target, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	p.session = attached.Session
	if err := p.call(ctx, "Page.enable", nil, nil); err != nil {
		return nil, err
	}
	return p, p.navigate(ctx, address)
}

func (p *page) call(ctx context.Context, method string, params, result any) error {
	return p.devtools.call(ctx, p.session, method, params, result)
}

func (p *page) navigate(ctx context.Context, address string) error {
	loaded := p.devtools.once(p.session, "Page.loadEventFired")
	var answer struct {
		Error string `json:"errorText"`
	}
	if err := p.call(ctx, "Page.navigate", map[string]any{"url": address}, &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return fmt.Errorf("load %s: %s", address, answer.Error)
	}
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("load %s: %w", address, context.Cause(ctx))
	}
}

// evaluate runs an expression in the page, awaits its promise if it is one, and
// decodes the value into result unless that is nil.
func (p *page) evaluate(ctx context.Context, expression string, result any) error {
	answer, err := p.run(ctx, expression, true)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(answer.Value, result)
}

// choose puts files into the input that the selector finds, as if a person had chosen
// them: the page gets File objects backed by the disk.
func (p *page) choose(ctx context.Context, selector string, files ...string) error {
	input, err := p.run(ctx, fmt.Sprintf("document.querySelector(%q)", selector), false)
	if err != nil {
		return err
	}
	return p.call(ctx, "DOM.setFileInputFiles", map[string]any{"files": files, "objectId": input.ObjectID}, nil)
}

// heap is the memory of the page's JavaScript in bytes.
type heap struct {
	Used    float64 `json:"usedSize"`
	Backing float64 `json:"backingStorageSize"` // array buffers and strings outside V8's own heap
}

func (p *page) heap(ctx context.Context) (heap, error) {
	var h heap
	return h, p.call(ctx, "Runtime.getHeapUsage", nil, &h)
}

func (p *page) front(ctx context.Context) error {
	return p.call(ctx, "Page.bringToFront", nil, nil)
}

func (p *page) close(ctx context.Context) error {
	if p.context != "" {
		return p.devtools.call(ctx, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": p.context}, nil)
	}
	return p.devtools.call(ctx, "", "Target.closeTarget", map[string]any{"targetId": p.target}, nil)
}

type remoteObject struct {
	Value    json.RawMessage `json:"value"`
	ObjectID string          `json:"objectId"`
}

func (p *page) run(ctx context.Context, expression string, byValue bool) (remoteObject, error) {
	var answer struct {
		Result    remoteObject `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string          `json:"description"`
				Value       json.RawMessage `json:"value"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.call(ctx, "Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": byValue, "userGesture": true,
	}, &answer)
	if err != nil {
		return remoteObject{}, err
	}
	if e := answer.Exception; e != nil {
		return remoteObject{}, errors.New("page: " + e.Text + " " + e.Exception.Description + string(e.Exception.Value))
	}
	return answer.Result, nil
}
