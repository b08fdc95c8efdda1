package objects

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
)

const digestPrefix = "SHA-256="

// The object's metadata, under UCS's attribute names.
const (
	metaName    = "TheName"
	metaType    = "MimeType"
	metaCreated = "CreationDate"
	metaSession = "InteractionId" // missing in what an earlier release has written
	metaOwner   = "OwnerId"
)

func (s *Store) objectInfo(b *bucket, d proxy.Document, end tail) *jetstream.ObjectInfo {
	if d = d.Typed(); d.Created.IsZero() {
		d.Created = s.now()
	}
	return &jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{
			Name:        d.ID,
			Description: d.Description,
			Metadata: map[string]string{
				metaName:    d.Name,
				metaType:    d.MimeType,
				metaCreated: d.Created.UTC().Format(time.RFC3339Nano),
				metaSession: d.Session,
				metaOwner:   d.UserID,
			},
			Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(s.engine.MaxChunk())},
		},
		Bucket: b.name,
		NUID:   d.ID,
		Size:   uint64(d.Size),
		Chunks: uint32(end.chunks),
		Digest: digestPrefix + base64.URLEncoding.EncodeToString(d.SHA256[:]),
	}
}

// meta is the content of a meta message.
type meta struct {
	jetstream.ObjectInfo
	seq   uint64 // of the message
	index index
}

// description is the meta message of an object. It replaces the previous one.
func (b *bucket) description(info *jetstream.ObjectInfo) (*nats.Msg, error) {
	data, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("describe the document: %w", err)
	}
	return &nats.Msg{
		Subject: b.meta(info.Name),
		Header:  nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}},
		Data:    data,
	}, nil
}

func (s *Store) info(ctx context.Context, b *bucket, id string) (*meta, error) {
	m, err := s.lookup(ctx, b, b.meta(id))
	if err != nil {
		return nil, err
	}
	return parseMeta(m)
}

func parseMeta(m *jetstream.RawStreamMsg) (*meta, error) {
	info := &meta{seq: m.Sequence}
	if err := json.Unmarshal(m.Data, &info.ObjectInfo); err != nil {
		return nil, fmt.Errorf("parse the document's description: %w", err)
	}
	info.index = decodeIndex(m.Header.Get(headerIndex), int64(info.Size))
	return info, nil
}

// lookup reads from any replica, and from the leader if that one does not answer, or does
// not have the message, because it may lag.
func (s *Store) lookup(ctx context.Context, b *bucket, subject string) (*jetstream.RawStreamMsg, error) {
	if s.engine.Replicas() == 1 {
		return s.last(ctx, b, subject)
	}
	once, cancel := context.WithTimeout(ctx, requestRetry.PerTry)
	defer cancel()
	m, err := b.stream.GetLastMsgForSubject(once, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) || s.engine.Transient(err) {
		return s.lookupAtLeader(ctx, b, request{Last: subject})
	}
	return m, err
}

func (m *meta) document() (proxy.Document, error) {
	d := proxy.Document{
		ID:          m.Name,
		Name:        m.Metadata[metaName],
		MimeType:    m.Metadata[metaType],
		Description: m.Description,
		Size:        int64(m.Size),
		Session:     proxy.EarlierSession,
		UserID:      m.Metadata[metaOwner],
	}
	if session, known := m.Metadata[metaSession]; known {
		d.Session = session
	}
	d = d.Typed()
	sum, err := jetstream.DecodeObjectDigest(m.Digest)
	if err != nil || copy(d.SHA256[:], sum) != len(d.SHA256) {
		return d, errors.New("the document's description has no digest")
	}
	if d.Created, err = time.Parse(time.RFC3339Nano, m.Metadata[metaCreated]); err != nil {
		return d, fmt.Errorf("the document's description has no date: %w", err)
	}
	return d, nil
}
