package backend

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"attache/bridge"
	"attache/proxy"
)

// library is the backend's library of standard responses.
type library struct {
	client    *Client
	documents *documents
}

var _ proxy.Library = library{}

// Library returns the backend's library of standard responses; nil if the backend has none. Its
// documents were not scanned here.
func (c *Client) Library() proxy.Library {
	if !slices.Contains(c.features, featureResponses) {
		return nil
	}
	return library{c, &documents{client: c}}
}

func (l library) Find(ctx context.Context, words, after string, most int) (found []bridge.Response, more bool, err error) {
	q := url.Values{"words": {words}, "after": {after}, "max": {strconv.Itoa(most)}}
	var page wireResponses
	err = l.client.retry(ctx, func(ctx context.Context) error {
		page = wireResponses{}
		return l.client.call(ctx, bridge.CodeStorageUnavailable, http.MethodGet, pathResponses+"?"+q.Encode(), nil, &page)
	})
	if err != nil {
		return nil, false, fmt.Errorf("search the backend's library: %w", err)
	}
	for _, r := range page.Responses[:min(len(page.Responses), most)] {
		found = append(found, bridge.Response(r))
	}
	return found, page.More || len(page.Responses) > most, nil
}

func (l library) Document(ctx context.Context, id string) (d proxy.Document, v proxy.Verdict, err error) {
	err = l.client.retry(ctx, func(ctx context.Context) (err error) {
		if err = l.client.call(ctx, bridge.CodeStorageUnavailable, http.MethodGet, pathOf(pathResponse, id), nil, nil); err == nil {
			d, err = l.documents.head(ctx, id)
		}
		return err
	})
	if err != nil {
		return d, proxy.Unknown, fmt.Errorf("look for %s in the backend's library: %w", id, err)
	}
	return d, proxy.Unknown, nil
}
