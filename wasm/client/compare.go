package client

import "attache/bridge"

// whole handles that the proxy has every byte, with the digest of them all. If this
// page sent none of them, they may be another file's of the same name, size and date:
// this page's file is compared with the digest before it is reported as sent.
func (u *upload) whole(digest string) {
	u.stopDigestAlarm()
	switch {
	case u.ours:
		u.arrived()
	case u.phase == comparing:
	case digest == "":
		u.fail(bridge.NewError(bridge.CodeFileChanged, ""))
	default:
		u.release()
		u.phase = comparing
		err := u.pump.Prepare(bridge.FrameHeader, 0, digest)
		if err == nil {
			err = u.pump.Read(u.offer.Size, 0)
		}
		if err != nil {
			u.fail(bridge.WrapError(bridge.CodeInternal, err))
		}
	}
}

// withhold delays the report that the upload is complete until it is known whether
// the proxy has this page's file. If the proxy sends no digest, that will never be
// known.
func (u *upload) withhold(m *bridge.Upload) {
	u.withheld = m
	if u.phase == offering && u.digestAlarm == nil {
		u.digestAlarm = u.s.after(nudgeTime, func() {
			u.digestAlarm = nil
			if !u.ours && u.phase == offering && u.s.chat.ready {
				u.fail(bridge.NewError(bridge.CodeFileChanged, ""))
			}
		})
	}
}

func (u *upload) stopDigestAlarm() {
	u.digestAlarm.stop()
	u.digestAlarm = nil
}

// onCompared handles that the proxy has this very file.
func (u *upload) onCompared() {
	u.ours = true
	u.arrived()
	if m := u.withheld; m != nil {
		u.withheld = nil
		u.onState(m)
	}
}
