package assembly

import (
	"context"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/limits"
)

// openLimits opens the limits that may change, if there are any, for our own Chat Server too.
func (o *Options) openLimits(ctx context.Context, e *engine.Engine, store **limits.Store, c *closers) (err error) {
	if o.Limits == nil {
		return nil
	}
	if *store, err = limits.Open(ctx, e, limits.StoreOptions{Base: *o.Limits, Backend: o.Elsewhere.Chat != nil, Log: o.Log}); err != nil {
		return err
	}
	c.later((*store).Close)
	o.Chat.Limits = *store
	return nil
}

// watchLimits watches the limits of the Chat Server and, if that has others, this process's.
func watchLimits(own *limits.Store, chat proxy.ChatServer) func(func()) func() {
	return func(changed func()) func() {
		ofChat, ofOwn := func() {}, func() {}
		if w, ok := chat.(proxy.LiveLimits); ok {
			ofChat = w.WatchLimits(changed)
		}
		if own != nil {
			ofOwn = own.Watch(changed)
		}
		return func() { ofChat(); ofOwn() }
	}
}
