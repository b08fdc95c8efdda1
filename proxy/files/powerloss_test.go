package files_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestModelDisk_NothingAckedIsLost(t *testing.T) { check(t, nothingAckedIsLost) }
func TestModelDisk_FailedWriteIsReportedAndNotAcked(t *testing.T) {
	check(t, failedWriteIsReportedAndNotAcked)
}
func TestModelDisk_SweptDayIsGone(t *testing.T) { check(t, sweptDayIsGone) }

func FuzzModelDisk_NothingAckedIsLost(f *testing.F) { f.Fuzz(rapid.MakeFuzz(nothingAckedIsLost)) }
func FuzzModelDisk_FailedWriteIsReportedAndNotAcked(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(failedWriteIsReportedAndNotAcked))
}

// check is rapid.Check with 300 checks, unless a flag says otherwise, as test/chaos does, whose
// planted bugs need up to some hundreds; make fuzz checks more.
func check(t *testing.T, property func(*rapid.T)) {
	f := flag.Lookup("rapid.checks")
	if was := f.Value.String(); was == f.DefValue {
		require.NoError(t, f.Value.Set("300"))
		defer func() { require.NoError(t, f.Value.Set(was)) }()
	}
	rapid.Check(t, property)
}

// Whatever happens at once, and wherever the machine or the process stops, several times in a
// row: what was acked is there, with those bytes, and so is what was settled.
func nothingAckedIsLost(t *rapid.T) {
	m := newMachine(t, false)
	for range rapid.IntRange(1, 3).Draw(t, "stops") {
		m.run(t, m.stopAt(rapid.IntRange(1, 150).Draw(t, "stop at operation")))
	}
	m.finish(t)
}

// A write or a sync that fails is reported as an error, and its bytes are not acked, although
// the next sync of the file succeeds.
func failedWriteIsReportedAndNotAcked(t *rapid.T) {
	m := newMachine(t, false)
	for range rapid.IntRange(1, 3).Draw(t, "stops") {
		m.run(t, m.failing(t, m.stopAt(rapid.IntRange(20, 250).Draw(t, "stop at operation"))))
	}
	m.finish(t)
}

// A sweep that has returned a day, or finds no more to do, has removed it for ever.
func sweptDayIsGone(t *rapid.T) {
	m := newMachine(t, true)
	for _, u := range m.uploads {
		require.NoError(t, u.live(m, life{frames: []int{1500}, await: 1, ending: settled}))
	}
	m.swept = sweeping
	for range rapid.IntRange(1, 3).Draw(t, "stops") {
		m.run(t, m.stopAt(rapid.IntRange(1, 25).Draw(t, "stop at operation")))
	}
	m.finish(t)
}
