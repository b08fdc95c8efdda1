package files

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// A description file has JSON lines: the first describes the document under UCS's attribute
// names, and each further one seals the content: the whole of it was written, and has that
// digest. The last seal counts. A line that was cut by a power failure is ignored.

type description struct {
	DocumentID   string    `json:"DocumentId"`
	TheName      string    `json:"TheName"`
	MimeType     string    `json:"MimeType"`
	Description  string    `json:"Description,omitempty"`
	CreationDate time.Time `json:"CreationDate"`
	// InteractionID is missing in what an earlier release has written.
	InteractionID *string `json:"InteractionId"`
	OwnerID       string  `json:"OwnerId,omitempty"`
}

type seal struct {
	TheSize int64  `json:"TheSize"`
	SHA256  string `json:"SHA256"`
}

// maxDescription bounds what is read of a description file.
const maxDescription = 1 << 20

func describe(d proxy.Document) description {
	d = d.Typed()
	return description{
		DocumentID: d.ID, TheName: d.Name, MimeType: d.MimeType, Description: d.Description, CreationDate: d.Created.UTC(),
		InteractionID: &d.Session, OwnerID: d.UserID,
	}
}

func line(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the description: %w", err)
	}
	return append(b, '\n'), nil
}

func newSeal(size int64, sum [32]byte) seal {
	return seal{TheSize: size, SHA256: hex.EncodeToString(sum[:])}
}

func sealLine(size int64, sum [32]byte) ([]byte, error) { return line(newSeal(size, sum)) }

// ParseDescription returns the document that a description file describes; whole reports that it
// has the size and the digest of the whole content.
func ParseDescription(b []byte) (d proxy.Document, whole bool, err error) { return parseDescription(b) }

// parseDescription reads a description file; sealed reports that it has a seal, which then is
// in Size and SHA256.
func parseDescription(b []byte) (d proxy.Document, sealed bool, err error) {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	var is description
	if err := json.Unmarshal(first, &is); err != nil {
		return d, false, errDescription
	}
	d = proxy.Document{
		ID: is.DocumentID, Name: is.TheName, MimeType: is.MimeType, Description: is.Description, Created: is.CreationDate,
		Session: proxy.EarlierSession, UserID: is.OwnerID,
	}
	if is.InteractionID != nil {
		d.Session = *is.InteractionID
	}
	d = d.Typed()
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte("\n"))
		var s seal
		digest, bad := [32]byte{}, json.Unmarshal(one, &s)
		n, hexed := hex.Decode(digest[:], []byte(s.SHA256[:min(len(s.SHA256), 64)]))
		if bad == nil && hexed == nil && n == len(digest) && s.TheSize >= 0 {
			d.Size, d.SHA256, sealed = s.TheSize, digest, true
		}
	}
	return d, sealed, nil
}

// parseDescriptionOf fails if the description is another document's: a disk may take ids that
// differ in case for the same name.
func parseDescriptionOf(id string, b []byte) (d proxy.Document, sealed bool, err error) {
	d, sealed, err = parseDescription(b)
	if err == nil && d.ID != id {
		err = bridge.NewError(bridge.CodeDocument, "")
	}
	return d, sealed, err
}

// errDescription is the error of a description that no store has written, or not to its end.
var errDescription = errors.New("the description cannot be read")

func readDescription(disk Disk, p paths, id string) (d proxy.Document, sealed bool, err error) {
	text, err := readText(disk, p.description)
	if err != nil {
		return d, false, err
	}
	return parseDescriptionOf(id, text)
}

func readText(disk Disk, name string) ([]byte, error) {
	f, err := disk.Open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, maxDescription))
}

// writeNew makes a file with that content. Neither its bytes nor its name are durable yet.
func writeNew(disk Disk, name string, b []byte) error {
	f, err := disk.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Close())
}

// text is what the file of a description has, or is to have.
type text struct {
	lines  []byte
	failed bool // not all of them may be in the file
}

// textOf is the text of a description that an earlier process has left. A power failure may
// have cut its last line.
func textOf(lines []byte) text {
	if bytes.HasSuffix(lines, []byte("\n")) {
		return text{lines: lines}
	}
	return text{lines: append(lines, '\n'), failed: true}
}

// sync makes the file durable, after adding a line, if there is one. After a failure it writes
// all lines again, because the bytes of a sync that has failed are not written by the next one,
// although that succeeds.
func (t *text) sync(disk Disk, name string, more []byte) error {
	f, err := disk.Open(name, true)
	if err != nil {
		return err
	}
	from := len(t.lines)
	if t.failed {
		from = 0
	}
	lines := append(t.lines[:len(t.lines):len(t.lines)], more...)
	if from < len(lines) {
		_, err = f.WriteAt(lines[from:], int64(from))
	}
	if err == nil {
		err = f.Sync()
	}
	t.failed = err != nil
	if err == nil {
		t.lines = lines
	}
	return errors.Join(err, f.Close())
}
