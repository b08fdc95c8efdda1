package chat

import (
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// settle notes what a release gives back. Its bytes count for [proxy.SettleTime]:
// otherwise a customer who sends and cancels could have its allowance on the disk any
// number of times.
func (f *fold) settle(e *entry) {
	f.settling = slices.DeleteFunc(f.settling, func(r reservation) bool { return f.at-r.at >= proxy.SettleTime.Milliseconds() })
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
		if now-r.at < proxy.SettleTime.Milliseconds() {
			left -= r.size
		}
	}
	if size > left {
		return bridge.NewError(bridge.CodeBusy, "files that were cancelled just now still take up room")
	}
	return nil
}
