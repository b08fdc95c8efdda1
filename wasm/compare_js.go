package main

import "attache/bridge"

// whole is told that the proxy has every byte, and the digest of them all. If this
// page sent none of them, that may be another file of the same name, size and date:
// they are compared before anybody reads that this one was sent.
func (u *upload) whole(digest string) {
	u.digested()
	switch {
	case u.ours:
		u.arrived()
	case u.phase == comparing:
	case digest == "":
		u.fail(bridge.NewError(bridge.CodeFileChanged, ""))
	default:
		u.rest()
		u.phase = comparing
		_, err := u.pump.Call("prepare", bridge.FrameHeader, 0, digest)
		if err == nil {
			_, err = u.pump.Call("read", u.offer.Size, 0)
		}
		if err != nil {
			u.fail(bridge.WrapError(bridge.CodeInternal, err))
		}
	}
}

// keep holds back the word that the upload is complete until it is known whether
// that is this page's file. If the proxy tells no digest, it never will be.
func (u *upload) keep(news *bridge.Upload) {
	u.news = news
	if u.phase == offering && u.undigested == nil {
		u.undigested = u.s.page.turns.after(nudgeTime, func() {
			u.undigested = nil
			if !u.ours && u.phase == offering && u.s.chat.ready {
				u.fail(bridge.NewError(bridge.CodeFileChanged, ""))
			}
		}, u.s.failed)
	}
}

// digested ends the wait for a digest.
func (u *upload) digested() {
	u.undigested.stop()
	u.undigested = nil
}

// compared is told that the proxy has this very file.
func (u *upload) compared() {
	u.ours = true
	u.arrived()
	if news := u.news; news != nil {
		u.news = nil
		u.changed(news)
	}
}
