package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// gmsSize is the size of the file that goes through GMS' Chat API, in bytes.
const gmsSize = 64 * mib

// gmsFiles sends one file by GMS' Chat API and to a handler of mime/multipart, and reads it back.
// No browser takes part: apps use this interface too.
func (l *lab) gmsFiles(ctx context.Context) ([]row, []runner, error) {
	if err := l.room(gmsSize * int64(2*l.rounds+4)); err != nil {
		return nil, nil, err
	}
	file, err := l.file(gmsSize)
	if err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(file.path)
	if err != nil {
		return nil, nil, err
	}
	p, err := l.startProduct(ctx, gmsFlags...)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	c, err := requestChat(ctx, p.address)
	if err != nil {
		return nil, nil, err
	}
	peer, server := l.peers.address, l.peers.process.Pid
	var latest string // file-id
	up := contender{name: "upload by REST", address: p.address, server: p.group(), run: func(ctx context.Context) (time.Duration, error) {
		r, took, err := c.upload(ctx, file.path, content)
		latest = r.UserData["file-id"]
		return took, err
	}}
	upPeer := contender{name: "upload to mime/multipart", address: peer, server: server, clean: emptied(l.peers.store), run: func(ctx context.Context) (time.Duration, error) {
		answer, took, err := timedPost(ctx, peer+"/multipart", nil, file.path, content)
		if err == nil && string(answer) != file.digest {
			err = fmt.Errorf("the peer has %q", answer)
		}
		return took, err
	}}
	down := contender{name: "download by REST", address: p.address, server: p.group(), run: func(ctx context.Context) (time.Duration, error) {
		return c.download(ctx, latest, gmsSize)
	}}
	downPeer := contender{name: "download from http.FileServer", address: peer, server: server, run: func(ctx context.Context) (time.Duration, error) {
		return drain(ctx, fmt.Sprintf("%s/files/%d.bin", peer, int64(gmsSize)), gmsSize)
	}}
	contenders := []contender{up, upPeer, down, downPeer}
	// A download needs a file, whatever the order.
	if _, err := up.run(ctx); err != nil {
		return nil, nil, err
	}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if digest, err := c.digest(ctx, latest); err != nil || digest != file.digest {
		return nil, nil, fmt.Errorf("the stored file has SHA-256 %q: %w", digest, err)
	}
	against := func(c, peer contender, measured, what string) row {
		mine, theirs := rates(samples[c.name], gmsSize), rates(samples[peer.name], gmsSize)
		o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
		return row{
			Measured: measured, Against: what, Ours: &o, Peer: &t, Judged: figureOf("×", ratios(mine, theirs)), Target: atLeast(0.8),
			Note: "a client of net/http; ours is " + boundBy(samples[c.name]),
		}
	}
	cost := processorRow(samples[up.name], samples[upPeer.name], gmsSize)
	cost.Measured, cost.Against = "server's processor time for each GiB received by GMS' Chat API", "the server of `mime/multipart`"
	cost.Note = "of all the server's processes, until the file is announced"
	return []row{
		against(up, upPeer, "upload by GMS' Chat API until announced, 64 MiB", "`mime/multipart`, hashed, written, synced"),
		against(down, downPeer, "download by GMS' Chat API, 64 MiB", "the same file from `http.FileServer`"),
		cost,
	}, summed(contenders, samples, gmsSize), nil
}

// gmsFlags serve GMS' Chat API to any number of customers, who may send any number of files.
var gmsFlags = []string{
	"--gms=serve", "--gms-option", "chats-per-minute=1000000",
	"--upload-max-files=-1", "--upload-max-file-size=-1", "--upload-max-total-size=-1",
}

// receiving is the peer of an upload by GMS' Chat API: it hashes a multipart form's file, writes it
// and syncs that before it answers.
func receiving(dir string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		digest, err := receiveForm(dir, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, digest)
	}
}

func receiveForm(dir string, r *http.Request) (string, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return "", err
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return "", err
		}
		if part.FileName() == "" {
			continue
		}
		s, err := newSink(dir)
		if err != nil {
			return "", err
		}
		defer s.file.Close()
		if err := s.take(part, make([]byte, 256*kib)); err != nil {
			return "", err
		}
		return s.finish()
	}
}

// timedPost sends the fields and the file as a form.
func timedPost(ctx context.Context, address string, fields url.Values, name string, content []byte) (answer []byte, took time.Duration, err error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for key, values := range fields {
		if err := form.WriteField(key, values[0]); err != nil {
			return nil, 0, err
		}
	}
	if _, err := form.CreateFormFile("file", name); err != nil {
		return nil, 0, err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	length := int64(head.Len() + len(content) + len(tail))
	body := io.MultiReader(&head, bytes.NewReader(content), strings.NewReader(tail))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return nil, 0, err
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", form.FormDataContentType())
	start := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	took = time.Since(start)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("post %s: %s: %s", address, response.Status, answer)
	}
	return answer, took, err
}

// digest downloads a file, and returns its SHA-256.
func (c *gmsChat) digest(ctx context.Context, fileID string) (string, error) {
	body, err := c.open(ctx, fileID)
	if err != nil {
		return "", err
	}
	defer body.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, body)
	return hex.EncodeToString(hash.Sum(nil)), err
}
