package backup

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"attache/bridge"
	"attache/proxy/chat"
	"attache/proxy/deliver"
	"attache/proxy/seats"
	"attache/proxy/ucs"
)

// streamsDir is the directory of a backup with a directory for each stream.
const streamsDir = "streams"

// copyStreams copies every stream into dir, and returns what they say about files.
//
// Streams that hold the newest message of each subject come first, and the sessions after
// them: a notice is posted before its upload's record says so, so a record that is announced
// has its notice in the copy. Then two things are added that the copied sessions need: the
// records of uploads that were announced meanwhile, because only its record proves that a
// notice is our own, and the seats that were taken meanwhile, because nobody else removes
// their parties.
func (s *source) copyStreams(ctx context.Context, dir string) (*promises, error) {
	logs, newest, err := s.streams(ctx)
	if err != nil {
		return nil, err
	}
	later := map[string][]message{}
	for _, name := range newest {
		if err := s.snapshot(ctx, name, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
		if later[name], err = s.absent(ctx, name, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	for _, name := range logs {
		if err := s.snapshot(ctx, name, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	p := newPromises()
	if slices.Contains(logs, chat.Stream) {
		if err := p.readSessions(filepath.Join(dir, chat.Stream)); err != nil {
			return nil, err
		}
	}
	if slices.Contains(newest, ucs.Stream) {
		if err := p.readElsewhere(filepath.Join(dir, ucs.Stream), later[ucs.Stream]); err != nil {
			return nil, err
		}
	}
	if slices.Contains(newest, deliver.Stream) {
		if err := p.readRecords(filepath.Join(dir, deliver.Stream), later[deliver.Stream]); err != nil {
			return nil, err
		}
		announced, err := s.recordsOf(ctx, p)
		if err != nil {
			return nil, err
		}
		later[deliver.Stream] = append(later[deliver.Stream], announced...)
	}
	if slices.Contains(newest, seats.Stream) {
		if later[seats.Stream], err = s.absent(ctx, seats.Stream, filepath.Join(dir, seats.Stream)); err != nil {
			return nil, err
		}
	}
	p.later = later
	return p, nil
}

// streams lists the streams that only grow, and those with the newest message of each subject.
func (s *source) streams(ctx context.Context) (logs, newest []string, err error) {
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		switch name := info.Config.Name; {
		case strings.HasPrefix(name, "OBJ_"):
			err = fmt.Errorf("%s has documents of an earlier release, in the stream %s: start this release on it once, which moves them into files", s.dir, name)
		case info.Config.MaxMsgsPerSubject > 0:
			newest = append(newest, name)
		default:
			logs = append(logs, name)
		}
	}
	slices.Sort(logs)
	slices.Sort(newest)
	if err == nil && list.Err() != nil {
		err = fmt.Errorf("list the streams: %w", list.Err())
	}
	return logs, newest, err
}

// recordsOf returns the records, as they are now, of the uploads whose notices are in the copy
// and whose records there do not say so.
func (s *source) recordsOf(ctx context.Context, p *promises) (list []message, err error) {
	stream, err := s.js.Stream(ctx, deliver.Stream)
	if err != nil {
		return nil, fmt.Errorf("read the uploads' records: %w", err)
	}
	for u := range p.notices {
		subject, err := deliver.Subject(u.session, u.key)
		if err != nil || p.records[subject].State == bridge.Announced {
			continue // another system's notice, or a whole upload
		}
		m, ok, err := newestMessage(ctx, stream, subject)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := p.putRecord(m.Subject, m.Data); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}
