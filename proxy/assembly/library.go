package assembly

import (
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/responses"
)

// openLibrary opens the library of standard responses in the directory of o, until the closers
// are called; its documents are staged in store, and put into documents.
func (o Options) openLibrary(c *closers, store Store, documents proxy.Documents, s proxy.Scanner) (proxy.Library, error) {
	links, _ := documents.(proxy.Links)
	library, err := responses.Open(responses.Options{
		Dir: o.Responses, Store: backend.NewStagedStore(store, documents), Links: links,
		Scanner: s, MaxFileSize: o.Proxy.MaxFileSize, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	c.later(library.Close)
	return library, nil
}
