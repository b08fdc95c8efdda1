package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"attache/bridge"
	"attache/test/chaos/widget"
	"attache/wasm/page"
)

// sighted is a text or a file as one side got it.
type sighted struct {
	id, fileID string
	size       string
	from       side
	times      int
}

// sights are everything that one side got, by its text or name; more than one is a repetition.
type sights map[string][]sighted

// spoken reports whether an event is a text or a file.
func spoken(e bridge.Event) bool { return e.Type == bridge.Message || e.IsFile() }

func sightsOf(p *page.Page) sights {
	all := sights{}
	for _, s := range p.Sights() {
		e := s.Event
		if !spoken(e) {
			continue
		}
		what, is := e.Text, sighted{id: fmt.Sprint(e.ID), times: s.Times, from: fromAgent}
		if e.From.UserType == bridge.Client {
			is.from = fromCustomer
		}
		if e.IsFile() {
			what, is.fileID, is.size = e.Data.Get(bridge.KeyFileName), e.Data.Get(bridge.KeyFileID), e.Data.Get(bridge.KeyFileSize)
		}
		all[what] = append(all[what], is)
	}
	return all
}

func sightsBy(w *widget.Widget) sights {
	all := sights{}
	for _, m := range w.Messages() {
		if !m.Spoken() {
			continue
		}
		is := sighted{id: fmt.Sprint(m.Index), fileID: m.FileID, size: m.Size, times: m.Times, from: fromAgent}
		if m.From == string(widgetClient) {
			is.from = fromCustomer
		}
		all[m.What()] = append(all[m.What()], is)
	}
	return all
}

// widgetClient is what GMS' Chat API calls a customer.
const widgetClient = "Client"

// both are what agent and customer got.
func (c *relayedChat) both() map[side]sights {
	all := map[side]sights{fromAgent: sightsOf(c.agent)}
	if c.widget != nil {
		all[fromCustomer] = sightsBy(c.widget)
	} else {
		all[fromCustomer] = sightsOf(c.page)
	}
	return all
}

// missing says what was acknowledged and is not on both sides yet; empty if nothing is.
func (c *relayedChat) missing() string {
	got := c.both()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sayings {
		for side, sights := range got {
			if s.sure && len(sights[s.what]) == 0 {
				return fmt.Sprintf("the %s of %s has not seen %s of the %s", side, c.name, s.what, s.from)
			}
		}
	}
	return ""
}

// verify compares the transcript, as a new agent reads it, with what both sides meant and got.
func (c *relayedChat) verify(ctx context.Context) {
	reader, err := c.enter(c.stage.served, c.id, "reader", bridge.Agent)
	if err != nil {
		c.findings.add(lost, "the transcript of %s: %v", c.name, err)
		return
	}
	defer reader.Close()
	patient, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	if _, err := reader.Position(patient); err != nil {
		c.findings.add(unseen, "a new page of %s did not get the whole transcript: %v", c.name, err)
	}
	transcript := sightsOf(reader)
	for what, entries := range transcript {
		c.judgeEntries(what, entries)
	}
	for _, s := range c.sayings {
		if len(transcript[s.what]) == 0 && s.sure {
			c.findings.add(unreported, "%s of the %s was acknowledged, but is not in %s", s.what, s.from, c.name)
		}
	}
	for side, got := range c.both() {
		c.compare(side, got, transcript)
	}
	for what, entries := range transcript {
		if s := c.sayings[what]; s != nil && s.file {
			c.fetch(ctx, reader, s, entries[0].fileID)
		}
	}
}

// judgeEntries compares the entries of one text or file with its saying.
func (c *relayedChat) judgeEntries(what string, entries []sighted) {
	s := c.sayings[what]
	switch {
	case s == nil:
		c.findings.add(phantom, "%q is in %s, and nobody sent it", what, c.name)
		return
	case len(entries) > 1:
		c.findings.add(twice, "%s of the %s is %d times in %s", what, s.from, len(entries), c.name)
	}
	for _, e := range entries {
		if e.from != s.from || s.file && e.size != fmt.Sprint(s.size) {
			c.findings.add(corrupted, "%s of the %s, %d bytes, is in %s as of the %s, %s bytes", what, s.from, s.size, c.name, e.from, e.size)
		}
	}
	if s.fileID != "" && !slices.ContainsFunc(entries, func(e sighted) bool { return e.fileID == s.fileID }) {
		c.findings.add(contradicted, "%s was acknowledged with the file-id %s, but has %s in %s", what, s.fileID, entries[0].fileID, c.name)
	}
}

// compare compares what one side got with the transcript.
func (c *relayedChat) compare(by side, got, transcript sights) {
	for what, entries := range transcript {
		if len(got[what]) < len(entries) {
			c.findings.add(unseen, "the %s of %s has not seen %s", by, c.name, what)
		}
	}
	for what, entries := range got {
		if len(entries) > len(transcript[what]) {
			c.findings.add(seenTwice, "the %s of %s has %d of %s, and the transcript %d", by, c.name, len(entries), what, len(transcript[what]))
		}
		for _, e := range entries {
			if e.times > 1 {
				c.findings.add(seenTwice, "the %s of %s was sent %s %d times", by, c.name, what, e.times)
			}
		}
	}
}

// fetch downloads a file on the other side than its sender's.
func (c *relayedChat) fetch(ctx context.Context, reader *page.Page, s *saying, fileID string) {
	ctx, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	var size int64
	var sum [sha256.Size]byte
	var err error
	switch {
	case s.from == fromCustomer:
		size, sum, err = download(ctx, reader, fileID)
	case c.widget != nil:
		var got widget.Fetched
		got, err = c.widget.Fetch(ctx, fileID)
		size, sum = got.Size, got.SHA256
	default:
		size, sum, err = download(ctx, c.page, fileID)
	}
	if err != nil {
		c.findings.add(lost, "%s of the %s in %s cannot be downloaded: %v", s.what, s.from, c.name, err)
	} else if size != s.size || sum != s.digest {
		c.findings.add(corrupted, "%s of the %s in %s was downloaded with other bytes", s.what, s.from, c.name)
	}
}

func download(ctx context.Context, p *page.Page, fileID string) (int64, [sha256.Size]byte, error) {
	got, err := p.Download(ctx, fileID, freshKey())
	return got.Size, got.SHA256, err
}
