package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// kindOfFile is a file and how the other side has to show it.
type kindOfFile struct {
	name    string // on disk
	content func(t *testing.T) []byte
	shown   string // default: name
	kind    string
	word    string // for the kind, beside the size
	ext     string
	written string // on the icon; default: ext in capitals
	caution string
}

func text(content string) func(*testing.T) []byte {
	return func(*testing.T) []byte { return []byte(content) }
}

var kindsOfFiles = []kindOfFile{
	{name: "photo.png", content: pngFile, kind: "image", word: "Image", ext: "png", written: "PNG"},
	{name: "contract.PDF", content: func(*testing.T) []byte { return pdfFile() }, kind: "pdf", word: "PDF", ext: "pdf", written: "PDF"},
	{name: "offer.docx", content: docxFile, kind: "document", word: "Document", ext: "docx", written: "DOCX"},
	{name: "bundle.zip", content: func(t *testing.T) []byte { return archive(t, [][2]string{{"a.txt", "first"}, {"b.txt", "second"}}) },
		kind: "archive", word: "Archive", ext: "zip", written: "ZIP"},
	{name: "empty.txt", content: text(""), kind: "text", word: "Text", ext: "txt", written: "TXT"},
	{name: "README", content: text("no extension at all\n"), kind: "unknown", word: "File"},
	{name: "page.html", content: text("<!doctype html><script>alert(1)</script>"), kind: "code", word: "Code", ext: "html", written: "HTML"},
	{name: "تقرير المبيعات.pdf", content: func(*testing.T) []byte { return pdfFile() }, kind: "pdf", word: "PDF", ext: "pdf", written: "PDF"},
	{name: "二〇二六年度报告.csv", content: text("甲,乙\n1,2\n"), kind: "sheet", word: "Spreadsheet", ext: "csv", written: "CSV"},
	{name: "setup.exe", content: text("MZ\x90\x00 not really"), kind: "program", word: "Program", ext: "exe", written: "EXE",
		caution: "Opening it can run a program. Open it only if you trust its source."},
	{name: "invoice\u202Efdp.exe", content: text("MZ\x90\x00 nor this"), shown: "invoicefdp.exe", kind: "program", word: "Program", ext: "exe", written: "EXE",
		caution: "Opening it can run a program. Open it only if you trust its source."},
	{name: "holiday\u202Efdp.png", content: pngFile, shown: "holidayfdp.png", kind: "image", word: "Image", ext: "png", written: "PNG",
		caution: "Its name contained characters that are invisible or look like others. It may not be the type of file that it seems to be."},
}

func TestFilesOfManyKindsBothWays(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		t.Run("agent to customer", func(t *testing.T) { exchange(t, d.agent, d.customer) })
		t.Run("customer to agent", func(t *testing.T) { exchange(t, d.customer, d.agent) })
		for _, f := range kindsOfFiles {
			require.NotContains(t, d.command.log.String(), f.name, "the log holds no file names")
		}
	})
}

// exchange sends a file of every kind at once and checks each on the other side.
func exchange(t *testing.T, from, to side) {
	dir := from.id + "-"
	files := make([]sample, len(kindsOfFiles))
	var paths []string
	for i, f := range kindsOfFiles {
		files[i] = generated(t, dir+f.name, f.content(t))
		paths = append(paths, files[i].path)
	}
	from.give(paths...)
	for i, f := range kindsOfFiles {
		t.Run(f.name, func(t *testing.T) {
			name := dir + f.name
			if f.shown != "" {
				name = dir + f.shown
			}
			got := to.file(name)
			require.Equal(t, tile{
				ID: got.ID, Key: got.Key, State: "ready", Own: false,
				Kind: f.kind, Icon: f.kind, Drawn: true, Extension: f.ext, Written: f.written,
				Name: name, Suffix: filepath.Ext(name), Meta: sizeWords(files[i].size) + " · " + f.word,
				Caution: f.caution, Warned: f.caution != "", Custom: map[string]string{},
			}, got)
			require.NotEmpty(t, got.Key)

			require.Equal(t, files[i].digest, to.digest(got.ID), "read through the API")
			require.Equal(t, files[i].digest, fetchedDigest(t, to.link(got.ID)), "followed the link")
			own := from.file(name)
			require.True(t, own.Own)
			require.Equal(t, got.ID, own.ID)
		})
	}
	for _, i := range []int{0, 4, 7, 10} {
		f := kindsOfFiles[i]
		t.Run("click on "+f.name, func(t *testing.T) {
			name := dir + f.name
			if f.shown != "" {
				name = dir + f.shown
			}
			file := to.save(name)
			require.Equal(t, name, file.name)
			require.Equal(t, files[i].digest, file.digest(t))
		})
	}
}

// sizeWords formats a size as the English widget does.
func sizeWords(size int64) string {
	switch {
	case size == 1:
		return "1 byte"
	case size < 1024:
		return fmt.Sprintf("%d bytes", size)
	}
	return fmt.Sprintf("%.2g kB", float64(size)/1024)
}

// fetchedDigest downloads a link without a browser.
func fetchedDigest(t *testing.T, link string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, response.Header.Get("Content-Disposition"), "attachment")
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "sandbox")
	return digestOf(t, response.Body)
}

func TestLargeFiles(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		t.Run("64 MB to the customer", func(t *testing.T) {
			f := large(t, "to-customer.bin", 64*mebibyte)
			d.agent.give(f.path)
			got := d.customer.file("to-customer.bin")
			require.Equal(t, f.digest, d.customer.digest(got.ID))
		})
		t.Run("a download that the browser writes itself", func(t *testing.T) {
			f := large(t, "by-link.bin", 65*mebibyte)
			d.agent.give(f.path)
			d.customer.file("by-link.bin")
			// A headless browser cannot answer the dialogue.
			tell(d.page, `() => { delete window.showSaveFilePicker; }`)
			file := d.saves(func() {
				d.click("e2e.saver", "customer", "by-link.bin")
			})
			require.Equal(t, "by-link.bin", file.name)
			require.Equal(t, f.digest, file.digest(t))
		})
		t.Run("20 MB to the agent", func(t *testing.T) {
			f := large(t, "to-agent.bin", 20*mebibyte)
			d.customer.give(f.path)
			got := d.agent.file("to-agent.bin")
			require.Equal(t, f.digest, d.agent.digest(got.ID))
		})
		t.Run("64 MB from the customer", func(t *testing.T) {
			d.customer.give(large(t, "too-large.bin", 64*mebibyte).path)
			says(t, d.customer.refusal("too-large.bin"), "64 MB", "25 MB", "Send a smaller file.")
		})
	})
}

// Where file streams cannot fill our buffer the module reads slices of the file.
func TestBrowserWithoutByteStreams(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		tell(d.page, `() => {
			const { getReader } = ReadableStream.prototype;
			ReadableStream.prototype.getReader = function (options) {
				if (options?.mode === 'byob') throw new TypeError('no byte streams');
				return getReader.call(this, options);
			};
		}`)
		f := large(t, "slices.bin", 20<<20+1)
		d.customer.give(f.path)
		require.Equal(t, f.digest, d.agent.digest(d.agent.file("slices.bin").ID))
	})
}

func TestDropAndPaste(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		for _, way := range []string{"drop", "paste"} {
			for _, pair := range [][2]side{{d.agent, d.customer}, {d.customer, d.agent}} {
				from, to := pair[0], pair[1]
				name := way + "-of-" + from.id + ".txt"
				taken := ask[bool](d.page, "e2e.hand", from.id, way, [][3]string{{name, "by " + way, "text/plain"}})
				require.True(t, taken, "the page takes the event")
				want := generated(t, name, []byte("by "+way))
				require.Equal(t, want.digest, to.digest(to.file(name).ID))
			}
		}
	})
}

func TestFileAttributesArrive(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := generated(t, "manual.pdf", pdfFile())
		d.choose("e2e.input", f.path)
		key := ask[string](d.page, `async (name, digest) => (await e2e.session('agent').upload(e2e.picked(name), {
			name: 'The manual.pdf', description: 'Read this <b>first</b>', custom: { 'case-number': '4711' }, digest,
		})).key`, "manual.pdf", f.digest)
		got := d.customer.file("The manual.pdf")
		require.Equal(t, key, got.Key)
		require.Equal(t, "Read this <b>first</b>", got.Description)
		require.Equal(t, map[string]string{"case-number": "4711"}, got.Custom)
		require.Equal(t, f.digest, d.customer.digest(got.ID))
	})
}
