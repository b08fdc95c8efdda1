package chat

import (
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// addReleased adds a released reservation. Its bytes count for [proxy.SettleTime] more:
// otherwise a customer that sends and cancels could fill the disk with any multiple of
// its allowance.
func (f *fold) addReleased(e *logEntry) {
	f.dropSettled()
	if held, ok := f.reserved[e.Key]; ok {
		f.released = append(f.released, reservation{other: held.other, size: held.size, at: e.At})
	}
}

func (f *fold) dropSettled() {
	f.released = slices.DeleteFunc(f.released, func(r reservation) bool { return f.at-r.at >= proxy.SettleTime.Milliseconds() })
}

// checkReleased fails with code busy while a file that fits the limits does not fit
// beside the files that were released or deleted just now, by customers or by others.
func (f *fold) checkReleased(others bool, limits bridge.Limits, size, now int64) error {
	if limits.MaxTotalSize == bridge.NoLimit {
		return nil
	}
	left := limits.MaxTotalSize - limits.UsedTotalSize
	for _, r := range f.released {
		if r.other == others && now-r.at < proxy.SettleTime.Milliseconds() {
			left -= r.size
		}
	}
	if size > left {
		return bridge.NewError(bridge.CodeBusy, "files that were cancelled just now still take up disk space")
	}
	return nil
}
