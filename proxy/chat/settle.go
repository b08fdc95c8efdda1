package chat

import (
	"slices"
	"time"

	"attache/bridge"
)

// settleTime is how long the bytes of an upload that was given up may lie on the disk:
// the embedded engine gives room back every ten seconds. For so long they count, or a
// customer who sends and cancels could have any number of its allowances there.
const settleTime = 20 * time.Second

// settle notes what a release gives back.
func (f *fold) settle(e *entry) {
	f.settling = slices.DeleteFunc(f.settling, func(r reservation) bool { return f.at-r.at >= settleTime.Milliseconds() })
	if held, ok := f.reserved[e.Key]; ok {
		held.at = e.At
		f.settling = append(f.settling, held)
	}
}

// settled fails with code busy where a file that fits has no room yet beside those that
// were given back just now.
func (f *fold) settled(limits bridge.Limits, size, now int64) error {
	if limits.MaxTotalSize == bridge.NoLimit {
		return nil
	}
	left := limits.MaxTotalSize - limits.UsedTotalSize
	for _, r := range f.settling {
		if now-r.at < settleTime.Milliseconds() {
			left -= r.size
		}
	}
	if size > left {
		return bridge.NewError(bridge.CodeBusy, "files that were cancelled just now still take up room")
	}
	return nil
}
