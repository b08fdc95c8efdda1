package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// says shows that a refusal names the rule, the limit and what to do.
func says(t *testing.T, sentence string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.Contains(t, sentence, part)
	}
}

func TestVendorLimitsAreRefusedWithTheirSentence(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t, "--vendor-limits")

		d.customer.give(large(t, "large.bin", 3<<20).path)
		says(t, d.customer.refusal("large.bin"), "3 MiB", "2 MiB", "Send a smaller file.")

		for i := range 3 {
			name := fmt.Sprintf("file-%d.txt", i+1)
			d.customer.give(generated(t, name, []byte(name)).path)
			d.agent.file(name)
		}
		d.customer.give(generated(t, "file-4.txt", []byte("one too many")).path)
		says(t, d.customer.refusal("file-4.txt"), "3 files", "Ask the agent for another way.")

		d.agent.give(large(t, "from-agent.bin", 2097153).path)
		d.customer.file("from-agent.bin")
		d.customer.say("did you get them?")
		d.agent.hears("did you get them?")
		for _, got := range d.agent.tiles() {
			require.NotContains(t, []string{"large.bin", "file-4.txt"}, got.Name)
		}
	})
}

func TestAllFilesOfTheVendorsLimitTogether(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t, "--vendor-limits")
		for i := range 2 {
			name := fmt.Sprintf("part-%d.bin", i+1)
			d.customer.give(large(t, name, 2097152).path)
			d.agent.file(name)
		}
		d.customer.give(large(t, "part-3.bin", 2097152).path)
		says(t, d.customer.refusal("part-3.bin"), "2 MiB", "5 MiB", "1 MiB", "Send a smaller file.")
	})
}
