package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// says checks that a refusal names the rule, the limit and a remedy.
func says(t *testing.T, sentence string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.Contains(t, sentence, part)
	}
}

func TestVendorLimitsAreRefusedWithTheirSentence(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t, "--vendor-limits")

		d.customer.give(large(t, "large.bin", 3<<20).path)
		says(t, d.customer.refusal("large.bin"), "3 MB", "2 MB", "Send a smaller file.")

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
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t, "--vendor-limits")
		for i := range 2 {
			name := fmt.Sprintf("part-%d.bin", i+1)
			d.customer.give(large(t, name, 2097152).path)
			d.agent.file(name)
		}
		d.customer.give(large(t, "part-3.bin", 2097152).path)
		says(t, d.customer.refusal("part-3.bin"), "2 MB", "5 MB", "1 MB", "Send a smaller file.")
	})
}

func TestDownloadAttemptsOfACustomer(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t, "--vendor-limits")
		var files []sample
		for i := range 3 {
			f := generated(t, fmt.Sprintf("page-%d.txt", i+1), fmt.Appendf(nil, "page %d", i+1))
			d.agent.give(f.path)
			d.customer.file(filepath.Base(f.path))
			files = append(files, f)
		}
		for _, i := range []int{0, 1} {
			require.Equal(t, files[i].digest, d.customer.save(filepath.Base(files[i].path)).digest(t))
		}
		sentence := ask[string](d.page, `() => e2e.until(
			() => e2e.named('customer', 'page-3.txt').querySelector('.reason')?.textContent, 'why the third is not offered')`)
		require.Equal(t, sentence, ask[string](d.page, `() => {
			const button = e2e.named('customer', 'page-3.txt').querySelector('button[aria-disabled=true]');
			return e2e.root('customer').getElementById(button.getAttribute('aria-describedby')).textContent;
		}`), "a screen reader says so at the button")
		says(t, sentence, "2", "The 2 downloads this chat allows have been used")
		require.Equal(t, files[2].digest, d.agent.digest(d.agent.file("page-3.txt").ID), "it binds customers only")
	})
}

// An upload that counts towards the limits resumes after a reload even if it was the
// last one allowed.
func TestReloadResumesTheLastAllowedUpload(t *testing.T) {
	t.Parallel()
	d := places[0].open(t, "--vendor-limits")
	for i := range 2 {
		name := fmt.Sprintf("part-%d.bin", i+1)
		d.customer.give(large(t, name, 1<<20).path)
		d.agent.file(name)
	}
	last := large(t, "last.bin", 2097152)
	tell(d.page, "e2e.slow", 100)
	d.customer.give(last.path)
	tell(d.page, `async () => {
		await e2e.midway('customer', 'last.bin', 5);
		e2e.slow(60_000);
	}`)
	d.reload()
	d.connected()
	d.customer.give(last.path)
	require.Equal(t, last.digest, d.agent.digest(d.agent.file("last.bin").ID))
	require.Less(t, ask[int64](d.page, "e2e.sentBytes"), last.size, "the rest was sent")
}
