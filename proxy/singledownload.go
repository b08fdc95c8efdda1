package proxy

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"attache/bridge"
)

// Download opens a file for a party that fetches it in one request, as GMS serves it: Authorize
// and Open at once, without a link that could be used again. Each call is one of a customer's
// attempts.
//
// The attempt is charged last, when the store has returned the first bytes, because an attempt
// cannot be given back: so a store that fails, or a scan that is not done, costs none. No byte
// leaves before the charge.
func (t *Transfers) Download(ctx context.Context, who Identity, w Wish) (*Download, error) {
	release := t.downloads.acquire(who.Session)
	if release == nil {
		return nil, bridge.NewError(bridge.CodeBusy, "this session has too many concurrent downloads")
	}
	content, name, err := t.download(ctx, who, w)
	if err != nil {
		release()
		return nil, err
	}
	return &Download{content, name, t, release}, nil
}

func (t *Transfers) download(ctx context.Context, who Identity, w Wish) (Content, string, error) {
	rates, leave := t.rates.visit(who)
	defer leave()
	if err := rates.Wait(ctx); err != nil {
		return nil, "", err
	}
	asked, err := t.ask(ctx, who, w)
	if err == nil && asked.unscanned {
		err = asked.inspectSoon(ctx)
	}
	if err != nil {
		return nil, "", err
	}
	g := asked.granted()
	content, err := t.contentOf(ctx, g)
	if err != nil {
		return nil, "", err
	}
	err = checkReadable(content, asked.file)
	if err == nil {
		_, _, err = asked.grant(ctx)
	}
	if err == nil {
		err = t.begin(Fetch{Grant: g}, content.Document())
	}
	if err != nil {
		content.Close()
		return nil, "", err
	}
	return content, g.Name, nil
}

// inspectSoon is inspect for a request that does not wait for a long scan.
func (a *asked) inspectSoon(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, inspectionWait)
	defer cancel()
	err := a.inspect(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return bridge.NewError(bridge.CodeBusy, "the file is being scanned")
	}
	return err
}

// checkReadable fails if the content is not the announced file, or if the store cannot read it.
func checkReadable(content Content, file bridge.File) error {
	if err := checkSize(file, content.Document()); err != nil || file.Size == 0 {
		return err
	}
	if _, err := io.ReadFull(content, make([]byte, 1)); err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	_, err := content.Seek(0, io.SeekStart)
	return err
}

// Send answers a request with the whole content, as an attachment that a browser saves and
// never shows. Ranges are not served, because each request is an attempt. Each piece has its
// own deadline. After an error the response is cut short of its Content-Length, so that no
// client takes a part for the file.
func (d *Download) Send(w http.ResponseWriter) error {
	h := w.Header()
	fileHeaders(h, d.Name, d.Document())
	h.Del("ETag")
	h.Set("Accept-Ranges", "none")
	h.Set("Content-Length", strconv.FormatInt(d.Document().Size, 10))
	w.WriteHeader(http.StatusOK)
	out := &deadlineWriter{ResponseWriter: w, control: http.NewResponseController(w), within: d.transfers.cfg.PieceTimeout, sent: &d.transfers.down}
	_, err := copyContent(onlyWriter{out}, d.Content)
	return err
}
