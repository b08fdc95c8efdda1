package e2e

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

var cuts = flag.Int("cuts", 20, "how often the wire is cut during the one upload of TestR16WireCutsDuringOneUpload")

// The upload whose wire is cut. A cut comes cutLeast to cutEvery bytes after the
// previous one: during a frame, and before the end of the file.
const (
	cutLeast    = 8 << 10
	cutEvery    = 512 << 10
	cutRate     = 4 << 20          // bytes a second
	cutPatience = 10 * time.Second // for one cut, including the page's pause after many in a row
	// memoryStep is the unit in which Go's heap grows in WebAssembly (heapArenaBytes
	// in Go's runtime/malloc.go).
	memoryStep = 512 << 10
)

// R16, a slice; -cuts 100 is all of it.
func TestR16WireCutsDuringOneUpload(t *testing.T) {
	t.Parallel()
	d, w := acrossWire(t, cutRate, func() *page { return newPageFor(t, longest+time.Duration(*cuts)*cutPatience) })
	tell(d.page, "e2e.observe", "agent")
	f := large(t, "severed.bin", int64(*cuts)*cutEvery+cutEvery)
	d.agent.give(f.path)

	random := rand.New(rand.NewPCG(16, uint64(*cuts)))
	memory, whole := make([]int64, *cuts), 0
	for i := range *cuts {
		all := random.IntN(4) == 0
		if all {
			whole++
		}
		w.cut(cutLeast+random.Int64N(cutEvery-cutLeast), all, random.IntN(2) == 0)
		memory[i] = ask[int64](d.page, "e2e.memory")
	}
	w.widen()
	d.arrived(f, "severed.bin")
	d.connected()
	seen := ask[observed](d.page, "e2e.observed")
	require.Equal(t, whole, seen.Reconnecting, "each time that the chat's wire was cut the page said so")
	require.Len(t, seen.Again, *cuts, "each cut came in the middle of the upload")
	var most, sum int64
	for _, again := range seen.Again {
		most, sum = max(most, again), sum+again
	}
	require.LessOrEqual(t, most, int64(bridge.MaxWindow), "bytes sent again after one cut")
	require.LessOrEqual(t, memory[*cuts-1]-memory[min(10, *cuts)-1], int64(memoryStep), "the module's memory after each cut: %v", memory)
	t.Logf("%d bytes, %d cuts, %d of them of the chat as well; sent again %d bytes, %d at most after one cut; "+
		"WebAssembly memory %d bytes before the upload, %d after cut 10, %d after the last",
		f.size, *cuts, whole, sum, most, seen.Memory, memory[min(10, *cuts)-1], memory[*cuts-1])
}

// observed is the page's record of an upload.
type observed struct {
	Reconnecting int     // times that the session was in that state
	Again        []int64 // bytes sent again, for each cut after which sending resumed
	Memory       int64   // of the module, when the record began
}
