package upstream

import (
	"context"
	"errors"
	"strconv"

	"attache/bridge"
	"attache/proxy/gms"
)

// Limits asks GMS for the customer's limits and their use. A GMS that does not know the request
// has file transfer switched off.
func (c *Client) Limits(ctx context.Context, session, userID string) (bridge.Limits, error) {
	ch, err := c.member(ctx, session, userID)
	if err != nil {
		return bridge.Limits{}, err
	}
	r, err := c.call(ctx, session, ch, nil, "file", "limits")
	f := asFailure(err)
	if f != nil && f.Unknown {
		return bridge.Limits{}, nil
	}
	if f != nil && f.Over {
		// Of a chat that goes on it says that there are no files.
		if err := c.overDecided(ctx, session, ch, f); err != nil {
			return bridge.Limits{}, err
		}
		if _, err := c.member(ctx, session, userID); err != nil {
			return bridge.Limits{}, err
		}
		return bridge.Limits{}, nil
	}
	if err != nil {
		return bridge.Limits{}, withoutFailure(err)
	}
	l := limitsOf(r)
	if l.NeedAgent {
		l.AgentHere, err = c.agentHere(ctx, session)
	}
	return l, err
}

// limitsOf reads the answer: a message without an index (seen in a capture). Without one, all
// limits are 0, which switches uploads off.
func limitsOf(r gms.Reply) (l bridge.Limits) {
	for i, m := range r.Messages {
		if m.Text != bridge.FileConfig && (i > 0 || m.UserData["upload-max-files"] == "") {
			continue
		}
		d := m.UserData
		return bridge.Limits{
			MaxFiles: limit(d, "upload-max-files"), UsedFiles: used(d, "used-upload-max-files"),
			MaxFileSize:  limit(d, "upload-max-file-size"),
			MaxTotalSize: limit(d, "upload-max-total-size"), UsedTotalSize: used(d, "used-upload-max-total-size"),
			MaxDownloads: limit(d, "download-attempts"), UsedDownloads: used(d, "used-download-attempts"),
			NeedAgent: d["upload-need-agent"] == "true", Types: bridge.ParseTypes(d["upload-file-types"]),
			DeleteFile: clean(d["delete-file"], 32),
		}
	}
	return l
}

// limit reads a limit. Without one GMS decides alone.
func limit(d map[string]string, key string) int64 {
	n, err := strconv.ParseInt(d[key], 10, 64)
	if err != nil || n < 0 || n > bridge.MaxInteger {
		return bridge.NoLimit
	}
	return n
}

func used(d map[string]string, key string) int64 { return max(limit(d, key), 0) }

// agentHere reports whether an agent is in the chat.
func (c *Client) agentHere(ctx context.Context, session string) (bool, error) {
	here := map[string]bool{}
	err := c.walk(ctx, session, 0, func(e bridge.Event) error {
		if e.From.UserType == bridge.Agent || e.From.UserType == bridge.Supervisor {
			here[e.From.UserID] = e.Type != bridge.PartyLeft
		}
		return nil
	})
	for _, is := range here {
		if is {
			return true, err
		}
	}
	return false, err
}

// Reserve refuses a file that GMS would not take now. It counts nothing: GMS counts the upload
// itself, and its answer then is the one that holds.
func (c *Client) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	l, err := c.Limits(ctx, session, userID)
	if err != nil {
		return err
	}
	refused := l.Check(name, size)
	if refused == nil {
		return nil
	}
	// The offer may be repeated after the file was uploaded, and then GMS has counted it.
	if e, _, err := c.find(ctx, session, key); e != nil || err != nil {
		return err
	}
	return refused
}

// Release gives nothing back, because Reserve has counted nothing.
func (c *Client) Release(context.Context, string, string, string) error { return nil }

// Correct lowers nothing, for the same reason.
func (c *Client) Correct(context.Context, string, string, string, int64) error { return nil }

// Attempt downloads the file, once for each key: that is how GMS charges an attempt. What was
// read before, to scan it, is the first attempt.
func (c *Client) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	if _, err := c.member(ctx, session, userID); err != nil {
		return err
	}
	if c.contents == nil {
		return bridge.WrapError(bridge.CodeInternal, errors.New("the documents of GMS are not open"))
	}
	_, err := c.fetch(ctx, documentID(session, fileID), key)
	return withoutFailure(err)
}
