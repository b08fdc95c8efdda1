package backup

import (
	"path/filepath"
	"strings"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/deliver"
	"attache/proxy/ucs"
)

// promises are what copied streams say about files.
type promises struct {
	notices map[upload]bridge.File
	records map[string]proxy.Record // by the message's subject
	later   map[string][]message    // by stream: what is not in its snapshot

	elsewhere map[string]bool // documents in a UCS, which has them now
}

// write writes what is not in the snapshots.
func (p *promises) write(dir string) error {
	for name, messages := range p.later {
		if err := writeLater(filepath.Join(dir, name), messages); err != nil {
			return err
		}
	}
	return nil
}

// upload names one upload.
type upload struct{ session, key string }

func newPromises() *promises {
	return &promises{notices: map[upload]bridge.File{}, records: map[string]proxy.Record{}, elsewhere: map[string]bool{}}
}

// readElsewhere reads which documents are in a UCS.
func (p *promises) readElsewhere(dir string, later []message) error {
	for _, m := range later {
		p.putElsewhere(m.Subject)
	}
	return readSnapshot(dir, func(subject string, _ []byte) error { p.putElsewhere(subject); return nil })
}

func (p *promises) putElsewhere(subject string) {
	if id, ok := ucs.StoredDocument(subject); ok {
		p.elsewhere[id] = true
	}
}

// readSessions reads the notices of all sessions. A notice that cannot be downloaded names
// no file of ours.
func (p *promises) readSessions(dir string) error {
	return readSnapshot(dir, func(subject string, data []byte) error {
		session, f, ok, err := chat.StoredFile(subject, data)
		if ok && f.Source == bridge.SourceUCS {
			p.notices[upload{session, f.Key}] = f
		}
		if bridge.CodeOf(err) == bridge.CodeNotice {
			return nil
		}
		return err
	})
}

// readRecords reads the uploads' records from the snapshot in dir, and then those that are not
// in it.
func (p *promises) readRecords(dir string, later []message) error {
	if err := readSnapshot(dir, p.putRecord); err != nil {
		return err
	}
	for _, m := range later {
		if err := p.putRecord(m.Subject, m.Data); err != nil {
			return err
		}
	}
	return nil
}

func (p *promises) putRecord(subject string, data []byte) error {
	r, err := deliver.StoredRecord(data)
	if err == nil {
		p.records[subject] = r
	}
	return err
}

// file is content that the streams name.
type file struct {
	id      string
	size    int64
	staged  bool   // not yet announced: its bytes may still have a staged name
	subject string // of the record that names it
}

// files returns the content that must be in a backup: of announced uploads, and of those that
// are accepted, because all their bytes were acknowledged; not of deleted files, and not of those
// that are in a UCS. A notice without a record was not
// posted by our delivery, and a party may name any document in its own.
func (p *promises) files() (list []file) {
	for subject, r := range p.records {
		f, announced := p.notices[upload{r.Session, r.Key}]
		switch {
		case r.Deletion == proxy.Deleted, p.elsewhere[r.DocumentID]:
		case announced && f.DocumentID == r.DocumentID:
			list = append(list, file{r.DocumentID, r.Size, false, subject})
		case r.State == bridge.Accepted, r.State == bridge.Scanning:
			list = append(list, file{r.DocumentID, r.Size, true, subject})
		}
	}
	return list
}

// incoming returns the documents of uploads whose records do not say that they are whole.
func (p *promises) incoming() map[string]bool {
	ids := map[string]bool{}
	for _, r := range p.records {
		if r.State.Incoming() {
			ids[r.DocumentID] = true
		}
	}
	return ids
}

// foreign returns the documents of notices that our delivery did not post.
func (p *promises) foreign() (ids []string) {
	own := map[upload]string{}
	for _, r := range p.records {
		own[upload{r.Session, r.Key}] = r.DocumentID
	}
	for u, f := range p.notices {
		if own[u] != f.DocumentID && !p.elsewhere[f.DocumentID] && !strings.ContainsAny(f.DocumentID, "/.") {
			ids = append(ids, f.DocumentID)
		}
	}
	return ids
}
