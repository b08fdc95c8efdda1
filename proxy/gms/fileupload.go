package gms

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"

	"attache/bridge"
	"attache/proxy"
)

// ServeUpload receives a file and answers when it is announced, with its id in the reply's user
// data. The path and the parameters name the party.
func (s *Server) ServeUpload(w http.ResponseWriter, r *http.Request) {
	u := s.newUpload(w, r)
	defer u.close()
	var reply Reply
	err := u.open(r)
	if err == nil {
		reply, err = u.run(r.Context())
	}
	u.answer(w, r, reply, err)
}

// refused is a refusal of an upload that is not as it should be.
func refused(message, hint string) error { return refuse(http.StatusBadRequest, message, hint) }

// fileUpload is one upload.
type fileUpload struct {
	server *Server
	// identify completes what the parameters say of the party. It is called when those before
	// the file were read, and again at the end if it has failed. nil: the call says all.
	identify func(*Call) error
	body     *fileBody
	form     fileForm
	visit    *proxy.FlexVisit
	spool    *spool // of a file that came before the party's identity
	limit    int64  // of the size of one file, once it is known
}

// newUpload returns the upload that a request may be. Its body is bounded from here on.
func (s *Server) newUpload(w http.ResponseWriter, r *http.Request) *fileUpload {
	u := &fileUpload{server: s, body: newFileBody(w, r, s.cfg.Files.PauseTime)}
	r.Body = &bufferedBody{bufio.NewReaderSize(u.body, bodyBuffer), u.body}
	return u
}

func (u *fileUpload) close() {
	if u.visit != nil {
		u.visit.End()
	}
	if u.spool != nil {
		u.spool.Close()
	}
}

// open reads the parameters up to the file, if there is one.
func (u *fileUpload) open(r *http.Request) (err error) {
	if u.form.call, u.form.body, err = u.server.open(r); err == nil {
		u.form.file, err = u.form.call.read(u.form.body)
	}
	return err
}

// answer writes the reply, or what was wrong, after the body.
func (u *fileUpload) answer(w http.ResponseWriter, r *http.Request, reply Reply, err error) {
	u.drain(w)
	u.server.answer(w, r, reply, err)
}

// drain reads the rest of the body, within bounds.
func (u *fileUpload) drain(w http.ResponseWriter) {
	o := u.server.cfg.Files
	if !u.body.drain(max(u.limit+1<<20, o.Drain), o.DrainTime) {
		w.Header().Set("Connection", "close")
	}
}

// run does the upload, which is open.
func (u *fileUpload) run(ctx context.Context) (reply Reply, err error) {
	if u.form.file == nil {
		return reply, refused("the request has no file", "send it as multipart/form-data, in the part file")
	}
	identified := u.identified()
	if !identified {
		if err := u.spoolFile(); err != nil {
			return reply, err
		}
	}
	reply, err = u.server.do(ctx, u.form.call, func(_ *Server, ctx context.Context, c *Call) (Reply, error) {
		if !identified && u.identify != nil {
			if err := u.identify(c); err != nil {
				return Reply{}, err
			}
		}
		record, err := u.receive(ctx)
		if err != nil {
			return Reply{}, err
		}
		if record, err = u.await(ctx, record); err != nil {
			return Reply{}, err
		}
		reply := u.server.statusOf(ctx, u.visit, c)
		reply.UserData = map[string]string{bridge.KeyFileID: record.FileID}
		return reply, nil
	})
	if err != nil && u.body.late {
		err = tooSlow() // which also ends the request's context, and the upload by that
	}
	return reply, err
}

// receive stores the file.
func (u *fileUpload) receive(ctx context.Context) (proxy.Record, error) {
	stream := proxy.Stream{
		Source: proxy.Source{Reader: &u.form, Cut: u.body.stop},
		Late:   func(proxy.Offer) proxy.Offer { return u.offer() },
	}
	stream.AtMost, stream.AtLeast = u.body.fileSize()
	if u.spool != nil {
		stream = proxy.Stream{Source: proxy.Source{Reader: u.spool, Cut: func() {}}, AtLeast: u.spool.size, AtMost: u.spool.size}
	}
	c, s := u.form.call, u.server
	if err := c.position(&s.cfg, s.cfg.RestZero); err != nil {
		return proxy.Record{}, err
	}
	if strings.Trim(c.Params["transcriptPosition"], " 0") != "" {
		stream.Unseen = c.From
	}
	var err error
	if u.visit, err = s.flex.Visit(ctx, c.user()); err != nil {
		return proxy.Record{}, err
	}
	u.limit = s.transfers.Limits(u.visit.Who, u.visit.Limits).MaxFileSize
	return s.transfers.Ingest(ctx, u.visit.Who, u.offer(), stream)
}

// identified reports whether what came so far names the party.
func (u *fileUpload) identified() bool {
	c := u.form.call
	if u.identify != nil {
		return u.identify(c) == nil
	}
	return c.UserID != "" && c.SecureKey != ""
}

// offer is the file as the parameters describe it. Another Attaché that relays here names its
// upload, so that it finds its notice.
func (u *fileUpload) offer() proxy.Offer {
	data := u.form.call.UserData
	key := data.Get(bridge.KeyFileKey)
	if _, err := bridge.ParseKey(key); err != nil {
		key = ""
	}
	return proxy.Offer{
		Key: key, Limits: u.visit.Limits, Name: u.form.name(), MimeType: u.form.mimeType(),
		Description: data.Get(bridge.KeyDescription), Custom: data.Without(bridge.KeyDescription, bridge.KeyFileKey, bridge.KeyFileAsSent),
	}
}

// await waits until the file is announced. A client that hangs up changes nothing.
func (u *fileUpload) await(ctx context.Context, r proxy.Record) (proxy.Record, error) {
	waiting, cancel := context.WithTimeout(ctx, u.server.cfg.UploadWait)
	defer cancel()
	r, err := u.server.transfers.Await(waiting, u.visit.Who, r.Key)
	switch {
	case err != nil && errors.Is(waiting.Err(), context.DeadlineExceeded):
		return r, &refusal{Outcome{Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusOK},
			"the file was received, and is still being checked", "wait for its message, or send it again to wait longer"}
	case err != nil:
		return r, err
	case r.State == bridge.Announced:
		return r, nil
	case r.State == bridge.Cancelled:
		return r, bridge.NewError(bridge.CodeCancelled, "")
	}
	return r, bridge.NewError(r.Code, "")
}
